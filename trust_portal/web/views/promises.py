"""What the pages about promises have in common: the ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import frame, tenant_path

#: Label, path below the tenant, and what one must be allowed to see there.
_SIDES = (
    ("Contracts", "/contracts", Action.CONTRACT_READ),
    ("What if", "/what-if", Action.CONTRACT_PREVIEW),
    ("Exclusions", "/exclusions", Action.EXCLUSION_READ),
    ("Cross-checks", "/cross-checks", Action.CROSS_CHECK_READ),
)


def promise_frame(request: Request, tenant: Tenant) -> Mapping[str, Any]:
    """``frame`` with the sides of the section, as far as the actor may open them."""
    gate, actor, path = house_of(request).gate, actor_of(request), request.url.path
    root = tenant_path(tenant)
    sides = [
        {"label": label, "href": root + below, "current": path.startswith(root + below)}
        for label, below, action in _SIDES
        if gate.allows(actor, action, Resource("page", tenant.id))
    ]
    return {"sides": sides, **frame(request, tenant)}
