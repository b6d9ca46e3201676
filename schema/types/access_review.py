"""Roles in force, and until when each is to be looked at again."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from schema.types.role import Role
from trust_portal.trust.compliance.reviews import model

strawberry.enum(model.ReviewAct, name="AccessReviewAct", description="Whether a role is still needed.")


@strawberry.type(description="A role that somebody holds, with its last review.")
class HeldRole:
    id: strawberry.ID = strawberry.field(description="Of the grant: what a review is about.")
    person_id: strawberry.ID
    person_name: str
    person_email: str
    role: Role
    granted_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None
    due_at: datetime = strawberry.field(description="Until when somebody else confirms it again.")
    overdue: bool


def held_role(row: model.HeldRole, now: datetime) -> HeldRole:
    return HeldRole(
        id=encode("RoleGrant", row.tenant_id, row.grant_id),
        person_id=encode("Person", row.tenant_id, row.person_id),
        person_name=row.person_name,
        person_email=row.person_email,
        role=row.role,
        granted_at=row.granted_at,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
        due_at=row.due_at,
        overdue=row.is_overdue(now),
    )
