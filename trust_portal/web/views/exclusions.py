"""Exclusions after the fact: what was asked for, what it would change, who agreed, and asking."""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import Approval, StepAct
from trust_portal.access.policy import Resource
from trust_portal.documents import formats
from trust_portal.errors import Refused
from trust_portal.kernel.actor import Role
from trust_portal.kernel.names import require_words
from trust_portal.reliability.credits.words import role_of
from trust_portal.reliability.exclusions.model import (
    NOUN,
    ExclusionState,
    ProposeExclusion,
    RevokeExclusion,
    StoredExclusion,
)
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import FormState, moment_of, page_request, read_form, texts, together
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.promises import promise_frame

_PURPOSE = "exclusions"
#: Status kind and word of each state.
_STATES = {
    "proposed": ("busy", "Waits for approval"),
    "approved": ("good", "Counts"),
    "denied": ("bad", "Denied"),
    "expired": ("mute", "Expired"),
    "withdrawn": ("mute", "Withdrawn"),
    "revoked": ("mute", "Revoked"),
}


async def exclusions(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    objectives = []
    if may_propose := house.gate.allows(actor, Action.EXCLUSION_PROPOSE, Resource(NOUN, tenant.id)):
        known = await house.objectives.of_tenant(actor, tenant.id)
        objectives = [("", "All of them"), *((each.key, each.key) for each in known)]
    return page(
        request,
        "exclusions/list.html",
        status_code=form.status,
        listed=await house.exclusions.page(actor, tenant.id, page_request(request)),
        states=_STATES,
        form=form,
        objectives=objectives,
        may_propose=may_propose,
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id)),
        **promise_frame(request, tenant),
    )


async def propose(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    try:
        start, end, reason, evidence = together(
            lambda: moment_of(form.get("start"), "start"),
            lambda: moment_of(form.get("end"), "end"),
            lambda: require_words(str(form.get("reason", "")), "reason"),
            lambda: require_words(str(form.get("evidence", "")), "evidence"),
        )
        command = ProposeExclusion(tenant.id, start, end, _objectives(form), reason, evidence)
        made = await house_of(request).exclusions.propose(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await exclusions(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/exclusions/{made.id}", status_code=303)


async def exclusion(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    found = await house.exclusions.get(actor, tenant.id, request.path_params["exclusion"])
    approval = await house.exclusions.approval(actor, found)
    resource = Resource(NOUN, tenant.id, found.id)
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id))
    return page(
        request,
        "exclusions/exclusion.html",
        status_code=form.status,
        exclusion=found,
        body=json.loads(await house.exclusions.proposal(actor, found)),
        approval=approval,
        states=_STATES,
        stamps=_stamps(found, approval, f"{tenant_path(tenant)}/receipts/" if may_trace else None),
        form=form,
        may_trace=may_trace,
        may_revoke=found.state is ExclusionState.APPROVED
        and house.gate.allows(actor, Action.EXCLUSION_REVOKE, resource),
        may_read_approval=house.gate.allows(actor, Action.APPROVAL_READ, resource),
        **promise_frame(request, tenant),
    )


async def source(request: Request) -> Response:
    """The proposal's RFC 8785 bytes, so that its digest can be compared."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    exclusion_id = request.path_params["exclusion"]
    data = await house.exclusions.source(actor, tenant.id, exclusion_id)
    return attachment(data, "application/json", f"{tenant.key}-exclusion-{exclusion_id}.json")


async def revoke(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    id_ = request.path_params["exclusion"]
    try:
        command = RevokeExclusion(tenant.id, id_, str(form.get("reason", "")))
        await house_of(request).exclusions.revoke(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await exclusion(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/exclusions/{id_}", status_code=303)


def _objectives(form: FormData) -> tuple[str, ...] | None:
    """``None`` where all of them are meant."""
    chosen = tuple(str(each) for each in form.getlist("objectives") if each)
    return chosen or None


def _stamps(exclusion: StoredExclusion, approval: Approval, receipts: str | None) -> list[dict[str, Any]]:
    """From the proposal to where it stands; each stamp opens its receipt, where one may read them."""
    proposed, last = exclusion.history[0], exclusion.last
    steps = [_stamp("Proposed", proposed.at, proposed.receipt_id, proposed.by, receipts)]
    steps += [
        _stamp("Approved", each.at, each.receipt_id, f"{each.person_name}, {_as(each.role)}", receipts)
        for each in approval.steps
        if each.act is StepAct.APPROVE
    ]
    if exclusion.state is ExclusionState.PROPOSED:
        steps += [
            {"word": "Approved", "by": _as(approval.request.roles[slot - 1]), "state": "next"}
            for slot in approval.open_slots
        ]
        return [*steps, {"word": "Counts", "state": "next"}]
    for passage in exclusion.history[1:]:
        word = _STATES[passage.state.value][1]
        stamp = _stamp(word, passage.at, passage.receipt_id, passage.by, receipts)
        if passage is last and passage.state is not ExclusionState.APPROVED:
            stamp["state"] = "refused"
        steps.append(stamp)
    return steps


def _stamp(word: str, at: Any, receipt: object, by: str, receipts: str | None) -> dict[str, Any]:
    stamp = {"word": word, "at": formats.instant(at.replace(microsecond=0)), "by": by}
    return stamp if receipts is None else stamp | {"href": f"{receipts}{receipt}"}


def _as(role: Role | None) -> str:
    return role_of(None if role is None else role.value)


_ONE = "/t/{tenant}/exclusions/{exclusion:uuid}"
routes = [
    Route("/t/{tenant}/exclusions", exclusions, methods=["GET"]),
    Route("/t/{tenant}/exclusions", propose, methods=["POST"]),
    Route(_ONE, exclusion, methods=["GET"]),
    Route(f"{_ONE}/source", source, methods=["GET"]),
    Route(f"{_ONE}/revoke", revoke, methods=["POST"]),
]
