"""Emergency access: who has it, what was done with it, and whether two others have looked at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.break_glass.model import (
    NOUN,
    CloseBreakGlass,
    Emergency,
    GlassAct,
    GlassState,
    OpenBreakGlass,
)
from trust_portal.access.policy import Resource
from trust_portal.documents.formats import instant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, page_request, read_form, required, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page

_FORBIDDEN: Final = frozenset({401, 403, 404})
#: By state: the shape that tells it, and the word.
STATES: Final = {
    GlassState.OPEN: ("bad", "Open now"),
    GlassState.UNREVIEWED: ("warn", "Not reviewed"),
    GlassState.ACCEPTED: ("good", "Reviewed"),
    GlassState.OBJECTED: ("bad", "Objected to"),
}
_LASTS: Final = [("15", "15 minutes"), ("60", "1 hour"), ("120", "2 hours"), ("240", "4 hours")]


async def everybody(request: Request) -> Response:
    """Of all tenants, for staff."""
    actor, house = actor_of(request), house_of(request)
    listed = await house.break_glass.page(actor, None, page_request(request))
    tenants = await house.tenants.named(actor, {each.grant.tenant_id for each in listed.items})
    return page(
        request,
        "break_glass/list.html",
        listed=listed,
        tenants=tenants,
        states=STATES,
        now=house.clock.now(),
        form=FormState(),
        may_open=False,
        **frame(request),
    )


async def of_tenant(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=NOUN)
    return page(
        request,
        "break_glass/list.html",
        status_code=form.status,
        listed=await house.break_glass.page(actor, tenant.id, page_request(request)),
        tenants={tenant.id: tenant},
        states=STATES,
        now=house.clock.now(),
        form=form,
        lasts=_LASTS,
        may_open=not tenant.is_vendor
        and house.gate.allows(actor, Action.BREAK_GLASS_OPEN, Resource(NOUN, tenant.id)),
        may_read_rules=house.gate.allows(actor, Action.POLICIES_READ, Resource.of_house("policies")),
        **frame(request, tenant),
    )


async def one(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=NOUN)
    found, record = await house.break_glass.get(actor, tenant.id, request.path_params["grant"])
    now, grant = house.clock.now(), found.grant
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id))
    asked = found.step(GlassAct.ASK)
    return page(
        request,
        "break_glass/one.html",
        status_code=form.status,
        found=found,
        grant=grant,
        record=record,
        state=STATES[found.state(now)],
        standing=standing(found, found.state(now)),
        stamps=stamps_of(found, f"{tenant_path(tenant)}/receipts/" if may_trace else None),
        review=None if asked is None else f"{tenant_path(tenant)}/approvals/{asked.approval_id}",
        may_see_review=house.gate.allows(actor, Action.APPROVAL_READ, Resource("approval", tenant.id)),
        may_close=found.state(now) is GlassState.OPEN
        and house.gate.allows(
            actor, Action.BREAK_GLASS_CLOSE, Resource(NOUN, tenant.id, grant.id, grant.person_id)
        ),
        may_trace=may_trace,
        may_read_rules=house.gate.allows(actor, Action.POLICIES_READ, Resource.of_house("policies")),
        form=form,
        **frame(request, tenant),
    )


async def open_it(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=NOUN), await read_form(request)
    try:
        command = OpenBreakGlass(tenant.id, required(form, "reason", label="the reason"), _lasts(form))
        made = await house_of(request).break_glass.open(command, actor_of(request))
    except Refused as refusal:
        if refusal.status in _FORBIDDEN:
            raise
        return await of_tenant(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/break-glass/{made.grant.id}", status_code=303)


async def close(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=NOUN), await read_form(request)
    grant_id = request.path_params["grant"]
    try:
        command = CloseBreakGlass(tenant.id, grant_id, required(form, "reason", label="the reason"))
        await house_of(request).break_glass.close(command, actor_of(request))
    except Refused as refusal:
        if refusal.status in _FORBIDDEN:
            raise
        return await one(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/break-glass/{grant_id}", status_code=303)


def standing(found: Emergency, state: GlassState) -> str:
    """Where it stands, in a sentence or two."""
    who, review = found.grant.person_name, found.step(GlassAct.REVIEW)
    match state:
        case GlassState.OPEN:
            return (
                f"{who} may see what belongs to this tenant and act without waiting for approval. When it ends,"
                " two others review what was done."
            )
        case GlassState.UNREVIEWED if found.step(GlassAct.ASK) is None:
            return "It is over. Its review is still to be asked for."
        case GlassState.UNREVIEWED if found.asked > 1:
            return (
                "It is over, and nobody reviewed it in time. The review is asked for again until it is given."
            )
        case GlassState.UNREVIEWED:
            return f"It is over. Two others than {who} still have to review what was done."
        case _:
            return "" if review is None else review.reason


def stamps_of(found: Emergency, receipt_path: str | None) -> list[dict[str, str | None]]:
    """Opened, closed, review asked for, reviewed: for ``marks.stamps``."""
    words = {GlassAct.CLOSE: "Closed", GlassAct.ASK: "Review asked for", GlassAct.REVIEW: "Reviewed"}
    happened = [("Opened", found.grant.opened_at, found.grant.person_name, found.grant.receipt_id)]
    happened += [(words[each.act], each.at, each.actor_name, each.receipt_id) for each in found.steps]
    stamps: list[dict[str, str | None]] = [
        {
            "word": word,
            "at": instant(at.replace(microsecond=0)),
            "by": f"by {name}",
            "href": None if receipt_path is None else f"{receipt_path}{receipt_id}",
        }
        for word, at, name, receipt_id in happened
    ]
    review = found.step(GlassAct.REVIEW)
    if review is None:
        stamps.append({"word": "Reviewed", "by": "by two others", "state": "next"})
    elif review.outcome is not None and review.outcome.value == "objected":
        stamps[-1] |= {"word": "Objected to", "state": "refused"}
    return stamps


def _lasts(form: FormData) -> timedelta:
    text = str(form.get("minutes", "60")).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise InvalidInput("a number of minutes", field="minutes")
    return timedelta(minutes=int(text))


_OF_TENANT = "/t/{tenant}/break-glass"
_ONE = f"{_OF_TENANT}/{{grant:uuid}}"
routes = [
    Route("/break-glass", everybody, methods=["GET"]),
    Route(_OF_TENANT, of_tenant, methods=["GET"]),
    Route(_OF_TENANT, open_it, methods=["POST"]),
    Route(_ONE, one, methods=["GET"]),
    Route(f"{_ONE}/close", close, methods=["POST"]),
]
