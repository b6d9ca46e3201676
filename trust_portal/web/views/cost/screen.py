"""What the cost pages have in common: their sides, and how filters and fields are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import frame, tenant_path

#: Label, path below the tenant, and what one must be allowed to see there.
_SIDES = (
    ("Anomalies", "/cost", Action.ANOMALY_READ),
    ("Playbooks", "/cost/playbooks", Action.PLAYBOOK_READ),
    ("Budgets", "/cost/budgets", Action.BUDGET_READ),
    ("Spending", "/cost/spending", Action.COST_READ),
    ("Figures", "/cost/figures", Action.COST_READ),
    ("Suppressions", "/cost/suppressions", Action.SUPPRESSION_READ),
    ("Thresholds", "/cost/thresholds", Action.THRESHOLD_READ),
    ("Detectors", "/cost/detectors", Action.THRESHOLD_READ),
)
#: The vendor uses nothing itself: what is set there holds for every customer.
_VENDOR_SIDES = _SIDES[5:]

SUBSYSTEM_CHOICES = [(each, each.capitalize()) for each in SUBSYSTEMS]


def cost_frame(request: Request, tenant: Tenant) -> Mapping[str, Any]:
    """``frame`` with the sides of the cost section, as far as the actor may open them."""
    gate, actor, path = house_of(request).gate, actor_of(request), request.url.path
    root = tenant_path(tenant)
    sides = [
        {
            "label": label,
            "href": root + below,
            "current": path == root + below or (below != "/cost" and path.startswith(f"{root}{below}/")),
        }
        for label, below, action in (_VENDOR_SIDES if tenant.is_vendor else _SIDES)
        if gate.allows(actor, action, Resource("page", tenant.id))
    ]
    return {"sides": sides, **frame(request, tenant)}


def subsystem_of(text: object) -> str | None:
    """A subsystem's name as it was sent; the command decides whether there is such a one."""
    return str(text).strip() or None if text else None
