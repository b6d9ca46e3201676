"""The business reviews of a tenant, and what was promised in them."""

from __future__ import annotations

from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.period import day_in, parse_period
from trust_portal.trust.qbr.model import (
    CommitmentState,
    Prepare,
    Promise,
    Settle,
)
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, day_of, one_of, read_form, required, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.periods import offered_of
from trust_portal.web.templating import page
from trust_portal.web.views.qbr.screen import PURPOSE, rights_of

#: Kind of mark and word, by state of a commitment.
COMMITMENTS = {
    CommitmentState.OPEN: ("busy", "Open"),
    CommitmentState.KEPT: ("good", "Kept"),
    CommitmentState.MISSED: ("bad", "Missed"),
    CommitmentState.DROPPED: ("mute", "Dropped"),
}


async def reviews(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=PURPOSE)
    rights = rights_of(request, tenant)
    staff = rights["may_read_drafts"]
    issued = await house.qbr_reader.issued(actor, tenant.id)
    return page(
        request,
        "trust/qbr/list.html",
        status_code=form.status,
        issued=issued,
        standing={each.period: each for each in reversed(issued)},
        drafts=await house.qbr_reader.drafts(actor, tenant.id) if staff else (),
        commitments=await house.qbr_reader.commitments(actor, tenant.id) if staff else (),
        states=COMMITMENTS,
        today=day_in(house.clock.now(), tenant.time_zone),
        period=tenant.newest_quarter(house.clock.now()),
        periods=offered_of(tenant, house.clock.now(), running=True)[::-1],
        form=form,
        **rights,
        **frame(request, tenant),
    )


async def prepare(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=PURPOSE), await read_form(request)
    try:
        command = Prepare(tenant.id, required(form, "period", label="the period"))
        qbr = await house_of(request).qbrs.prepare(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await reviews(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/qbr/{qbr.id}/draft", status_code=303)


async def promise(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=PURPOSE), await read_form(request)
    try:
        text, owner, due, period = together(
            lambda: required(form, "text", label="the commitment"),
            lambda: required(form, "owner", label="the owner"),
            lambda: day_of(required(form, "due", label="the day on which it is due"), "due"),
            lambda: _review_of(form),
        )
        command = Promise(tenant.id, text, owner, due, period)
        await house_of(request).qbrs.promise(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await reviews(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/qbr#commitments", status_code=303)


async def settle(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=PURPOSE), await read_form(request)
    commitment_id: UUID = request.path_params["commitment"]
    try:
        state, evidence = together(
            lambda: _settled(form.get("state")), lambda: required(form, "evidence", label="what shows it")
        )
        command = Settle(tenant.id, commitment_id, state, evidence)
        await house_of(request).qbrs.settle(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await reviews(request, FormState(texts(form), refusal).of(commitment_id))
    return RedirectResponse(f"{tenant_path(tenant)}/qbr#commitments", status_code=303)


def _review_of(form: FormData) -> str | None:
    """The period of the review in which something is promised; None where nothing is said."""
    label = str(form.get("of") or "").strip()
    return parse_period(label, "UTC", field="of").label if label else None


def _settled(text: object) -> CommitmentState:
    state = one_of(CommitmentState, text, "state")
    if state is None:
        raise InvalidInput("say whether it was kept, missed or dropped", field="state")
    return state


routes = [
    Route("/t/{tenant}/qbr", reviews, methods=["GET"]),
    Route("/t/{tenant}/qbr", prepare, methods=["POST"]),
    Route("/t/{tenant}/qbr/commitments", promise, methods=["POST"]),
    Route("/t/{tenant}/qbr/commitments/{commitment:uuid}", settle, methods=["POST"]),
]
