"""The frame around every page: where one is, and where one may go from here.

Only what the actor's policies permit is offered; the gate decides again when it is followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.web.context import actor_of, emergencies_of, house_of, waiting_of


@dataclass(frozen=True, slots=True)
class NavItem:
    """``count``: how many things behind it wait for the reader."""

    label: str
    href: str
    current: bool
    count: int = 0


#: Label, path below the tenant, and what one must be allowed to find behind it.
_CUSTOMER_PAGES = (
    ("Overview", "", Action.PROFILE_READ),
    ("Trust", "/trust", Action.TRUST_REPORT_READ),
    ("SLA reports", "/reports", Action.SLA_REPORT_READ),
    ("Credits", "/credits", Action.CREDIT_READ),
    ("Incidents", "/incidents", Action.INCIDENT_READ),
    ("Promises", "/contracts", Action.CONTRACT_READ),
    ("Cost", "/cost", Action.ANOMALY_READ),
    ("Approvals", "/approvals", Action.APPROVAL_READ),
    ("Bundles", "/exports", Action.EXPORT_READ),
    ("Receipts", "/receipts", Action.RECEIPT_READ),
)
#: Who works with a tenant's things, and who looked: the same for customers and for the vendor.
_ADMINISTRATION = (
    ("People", "/people", Action.PERSON_READ),
    ("Tokens", "/tokens", Action.TOKEN_READ),
    ("Webhooks", "/webhooks", Action.WEBHOOK_READ),
    ("Auditors", "/auditors", Action.AUDIT_READ),
    ("Access", "/access", Action.ACCESS_LOG_READ),
    ("Break-glass", "/break-glass", Action.BREAK_GLASS_READ),
)
_VENDOR_PAGES = (
    ("Approvals", "/approvals", Action.APPROVAL_READ),
    ("Receipts", "/receipts", Action.RECEIPT_READ),
    ("Thresholds", "/cost/thresholds", Action.THRESHOLD_READ),
    ("Detectors", "/cost/detectors", Action.THRESHOLD_READ),
    ("Suppressions", "/cost/suppressions", Action.SUPPRESSION_READ),
    ("Compliance", "/compliance", Action.ALL_COMPLIANCE_READ),
    ("People", "/people", Action.PERSON_READ),
    ("Tokens", "/tokens", Action.TOKEN_READ),
    ("Webhooks", "/webhooks", Action.WEBHOOK_READ),
    ("Refusals", "/denials", Action.DENIAL_READ),
)
_APPROVALS = "Approvals"
#: Pages that lie beside another one of the list, and are shown as sides of it.
_BESIDE = {
    "/trust": ("/posture", "/compliance", "/qbr", "/account"),
    "/contracts": ("/cross-checks", "/exclusions", "/what-if"),
    "/exports": ("/check",),
    "/people": ("/access-review",),
    "/webhooks": ("/deliveries",),
}
_BESIDE_OF_HOUSE = {
    "/approvals": ("/break-glass",),
    "/policies": ("/keys",),
    "/runs": ("/trust-batches",),
    "/switchboard": ("/actions",),
}
#: The vendor's own pages by their area: the areas stand in the masthead, the pages of one below it.
_AREAS = (
    (
        "Customers",
        (("Customers", "/tenants", Action.TENANTS_READ), ("Accounts", "/accounts", Action.ALL_ACCOUNTS_READ)),
    ),
    (
        "Incidents",
        (
            ("Incidents", "/incidents", Action.ALL_INCIDENTS_READ),
            ("Postmortems", "/postmortems", Action.ALL_POSTMORTEMS_READ),
            ("Switchboard", "/switchboard", Action.SWITCHBOARD_READ),
        ),
    ),
    (
        "Service levels",
        (("Monthly runs", "/runs", Action.SLA_RUN_READ), ("Credits", "/credits", Action.ALL_CREDITS_READ)),
    ),
    (
        "Cost",
        (
            ("Anomalies", "/cost", Action.ALL_COST_READ),
            ("Playbooks", "/playbooks", Action.ALL_PLAYBOOKS_READ),
            ("Kill switch", "/kill-switch", Action.ALL_PLAYBOOKS_READ),
        ),
    ),
    (_APPROVALS, ((_APPROVALS, "/approvals", Action.ALL_APPROVALS_READ),)),
    (
        "Governance",
        (
            ("Compliance", "/compliance", Action.ALL_COMPLIANCE_READ),
            ("Policies", "/policies", Action.POLICIES_READ),
            ("Our own log", "/t/vendor/receipts", Action.RECEIPT_READ),
        ),
    ),
)
#: Fewer pages of administration than this stand among the others.
_WORTH_A_LEVEL = 2
_AREA_OF_CUSTOMERS, _AREA_OF_VENDOR = "Customers", "Governance"


async def tenant_of(request: Request, *, purpose: str = "administration") -> Tenant:
    """The tenant named in the path by its key, for somebody who may see it.

    A customer learns nothing of other keys: whatever is not its own does not exist.
    """
    actor, house, key = actor_of(request), house_of(request), request.path_params["tenant"]
    if actor.is_staff:
        return await house.tenants.by_key(actor, key, purpose=purpose)
    tenant = await house.tenants.get(actor, actor.tenant_id)
    if tenant.key != key:
        raise NotFound("tenant")
    return tenant


def frame(request: Request, tenant: Tenant | None = None) -> Mapping[str, Any]:
    """What ``base.html`` shows around a page: the house's areas, then the pages of one of them or of a tenant."""
    actor, gate = actor_of(request), house_of(request).gate
    areas = _areas(request, actor) if actor.is_staff else {}
    here = _area_here(areas, tenant)
    return {
        "house_nav": [
            NavItem(label, pages[0].href, label == here, sum(each.count for each in pages))
            for label, pages in areas.items()
        ],
        "area": here,
        "area_nav": areas[here] if here in areas and tenant is None and len(areas[here]) > 1 else [],
        **_tenant_pages(request, actor, tenant),
        "tenant": tenant.name if tenant else None,
        "may_stop": actor.is_staff
        and gate.allows(actor, Action.HOUSE_KILL_SWITCH_SET, Resource.of_house("kill switch")),
        "person": actor.name,
        "emergencies": emergencies_of(request),
        "root": tenant_path(tenant) if tenant else None,
    }


async def own_frame(request: Request) -> Mapping[str, Any]:
    """``frame`` for a page of nobody's house: a customer keeps its own around it."""
    actor = actor_of(request)
    if actor.is_staff:
        return frame(request)
    return frame(request, await house_of(request).tenants.get(actor, actor.tenant_id))


def tenant_path(tenant: Tenant) -> str:
    """Where a tenant's pages start."""
    return f"/t/{tenant.key}"


def _areas(request: Request, actor: Actor) -> dict[str, list[NavItem]]:
    """For staff only: a customer has one house, its own, and needs no way between houses."""
    gate, path = house_of(request).gate, request.url.path
    areas = {
        label: [
            NavItem(
                name,
                href,
                _is_below(path, href, *_BESIDE_OF_HOUSE.get(href, ())),
                waiting_of(request) if name == _APPROVALS else 0,
            )
            for name, href, action in pages
            if gate.allows(actor, action, Resource.of_house("house"))
        ]
        for label, pages in _AREAS
    }
    return {label: pages for label, pages in areas.items() if pages}


def _area_here(areas: Mapping[str, list[NavItem]], tenant: Tenant | None) -> str | None:
    """The area of the page that is shown; a tenant's pages belong to where its tenant is found."""
    if tenant is not None:
        return _AREA_OF_VENDOR if tenant.is_vendor else _AREA_OF_CUSTOMERS
    return next((label for label, pages in areas.items() if any(each.current for each in pages)), None)


def _tenant_pages(request: Request, actor: Actor, tenant: Tenant | None) -> Mapping[str, list[NavItem]]:
    """A tenant's pages; those of its administration are one of them, and stand below where they are shown."""
    if tenant is None:
        return {"tenant_nav": [], "administration_nav": []}
    gate, path, root = house_of(request).gate, request.url.path, tenant_path(tenant)

    def offered(pages: Iterable[tuple[str, str, Action]]) -> list[NavItem]:
        return [
            NavItem(label, root + below, _is_at(path, root, below))
            for label, below, action in pages
            if gate.allows(actor, action, Resource("page", tenant.id))
        ]

    if tenant.is_vendor:
        return {"tenant_nav": offered(_VENDOR_PAGES), "administration_nav": []}
    shown, administration = offered(_CUSTOMER_PAGES), offered(_ADMINISTRATION)
    if len(administration) < _WORTH_A_LEVEL:
        return {"tenant_nav": [*shown, *administration], "administration_nav": []}
    is_here = any(each.current for each in administration)
    gathered = NavItem("Administration", administration[0].href, is_here)
    return {"tenant_nav": [*shown, gathered], "administration_nav": administration if is_here else []}


def _is_at(path: str, root: str, below: str) -> bool:
    if not below:
        return path == root
    return _is_below(path, *(root + each for each in (below, *_BESIDE.get(below, ()))))


def _is_below(path: str, *places: str) -> bool:
    """Whether it is one of the places, or below one: ``/access-review`` is not at ``/access``."""
    return any(path == each or path.startswith(f"{each}/") for each in places)
