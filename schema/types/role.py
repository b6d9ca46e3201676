"""Roles, registered under their own name before any type speaks of them; the house knows nothing of GraphQL."""

from __future__ import annotations

import strawberry

from trust_portal.kernel.actor import Role

__all__ = ["Role"]

strawberry.enum(
    Role, name="Role", description="What somebody may be here; docs/access.md says what each may do."
)
