"""The inbox: what waits for the reader, what waits for others, what is over."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.policy import Resource
from trust_portal.documents.formats import day
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.web.context import actor_of, emergencies_of, house_of, waiting_of
from trust_portal.web.forms import one_of, page_request
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page, words
from trust_portal.web.views.approvals.words import STATES, standing

_SIDES = {
    Show.WAITING: "Waiting for you",
    Show.LIVE: "Under way",
    Show.ENDED: "Ended",
    Show.ALL: "All",
}


async def inbox(request: Request) -> Response:
    """Of all tenants, for staff."""
    actor, house = actor_of(request), house_of(request)
    show = _show(request, Show.WAITING if waiting_of(request) else Show.LIVE)
    listed = await house.approval_inbox.page(
        actor, ApprovalFilter(show=show, kind=_kind(request)), page_request(request)
    )
    concerned = {each.approval.request.tenant_id for each in listed.items}
    return page(
        request,
        "approvals/inbox.html",
        listed=listed,
        keys={each.id: each.key for each in (await house.tenants.named(actor, concerned)).values()},
        may_see_emergencies=house.gate.allows(
            actor, Action.ALL_BREAK_GLASS_READ, Resource.of_house("emergency access")
        ),
        kept=await _kept(request),
        **_common(request, show, "/approvals"),
        **frame(request),
    )


async def of_tenant(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="approvals")
    show = _show(request, Show.ALL)
    wanted = ApprovalFilter(tenant.id, show, _kind(request))
    listed = await house.approval_inbox.page(actor, wanted, page_request(request))
    return page(
        request,
        "approvals/inbox.html",
        listed=listed,
        keys={tenant.id: tenant.key},
        may_see_emergencies=not tenant.is_vendor
        and house.gate.allows(actor, Action.BREAK_GLASS_READ, Resource("emergency access", tenant.id)),
        kept=[],
        **_common(request, show, f"/t/{tenant.key}/approvals"),
        **frame(request, tenant),
    )


async def _kept(request: Request) -> list[dict[str, Any]]:
    """What who looks after security looks at besides requests: each with what waits there, and the way to it."""
    actor, house = actor_of(request), house_of(request)
    vendors = Resource("access review", VENDOR_ID)
    if not house.gate.allows(actor, Action.ACCESS_REVIEW, vendors):
        return []
    emergencies = emergencies_of(request)
    held = await house.access_reviews.held(actor, VENDOR_ID)
    now = house.clock.now()
    late = sum(each.is_overdue(now) for each in held)
    due = f"the next is due by {day(held[0].due_at)}" if held else "nobody holds a role"
    unreviewed = f"{len(emergencies)} open or not reviewed"
    ways = (
        ("Emergency access", "/break-glass", Action.ALL_BREAK_GLASS_READ, unreviewed, len(emergencies)),
        ("Access reviews", "/t/vendor/access-review", Action.PERSON_READ, f"{late} overdue, {due}", late),
        ("Refusals", "/t/vendor/denials", Action.DENIAL_READ, "who was refused what", 0),
        (
            "Signing keys",
            "/keys",
            Action.KEY_ROTATION_REQUEST,
            "which sign, since when, and which may take over",
            0,
        ),
        ("Compliance", "/compliance", Action.ALL_COMPLIANCE_READ, "which controls hold, and for whom", 0),
    )
    return [
        {"label": label, "href": href, "said": said, "waits": waits}
        for label, href, action, said, waits in ways
        if house.gate.allows(actor, action, Resource("page", VENDOR_ID))
    ]


def _show(request: Request, default: Show) -> Show:
    return one_of(Show, request.query_params.get("show"), "show") or default


def _kind(request: Request) -> ApprovalKind | None:
    return one_of(ApprovalKind, request.query_params.get("kind"), "kind")


def _common(request: Request, show: Show, address: str) -> dict[str, Any]:
    kind = request.query_params.get("kind", "")
    waiting = waiting_of(request)
    sides = [
        {
            "label": label,
            "href": f"{address}?{urlencode({'show': side.value} | ({'kind': kind} if kind else {}))}",
            "current": side is show,
            "count": waiting if side is Show.WAITING else None,
        }
        for side, label in _SIDES.items()
        if side is not Show.WAITING or waiting or show is Show.WAITING
    ]
    return {
        "address": address,
        "show": show,
        "kind": kind,
        "filters": urlencode({"show": show.value} | ({"kind": kind} if kind else {})),
        "sides": sides,
        "states": STATES,
        "standing": standing,
        "now": house_of(request).clock.now(),
        "kind_choices": [("", "Everything"), *((each.value, words(each.value)) for each in ApprovalKind)],
    }


routes = [
    Route("/approvals", inbox, methods=["GET"]),
    Route("/t/{tenant}/approvals", of_tenant, methods=["GET"]),
]
