"""One request whole: what is asked for and why, who has decided, and the place to decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.inbox import ApprovalView
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalState,
    Approve,
    Deny,
    Withdraw,
    person_behind,
)
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.evidence.assertion import Assertion
from trust_portal.evidence.strict import parse_json
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.approvals.reading import reading_of
from trust_portal.web.views.approvals.words import (
    STATES,
    places_of,
    role_word,
    stamps_of,
    standing,
    told_hint,
    voices_of,
)


async def request_page(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="approval")
    view = await house.approval_inbox.get(actor, tenant.id, request.path_params["request"])
    passkeys = await house.signatures.usable(actor) if view.slots or view.may_deny else ()
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id))
    return page(
        request,
        "approvals/request.html",
        status_code=form.status,
        view=view,
        asked=view.approval.request,
        intent_text=view.approval.request.intent.canonical().decode(),
        reading=reading_of(view.approval.request.intent),
        standing=standing(view),
        over_since=await _over_since(request, view),
        state=STATES[view.state],
        stamps=stamps_of(view, f"{tenant_path(tenant)}/receipts/" if may_trace else None),
        places=places_of(view, actor),
        own=next((each for each in view.approval.approvals if each.person_id == person_behind(actor)), None),
        hints=[told_hint(each) for each in await house.approval_patterns.of(actor, view)],
        voices=voices_of(view),
        role_word=role_word,
        passkeys=passkeys,
        passkeys_unavailable=house.passkeys.unavailable(),
        now=house.clock.now(),
        form=form,
        may_trace=may_trace,
        may_read_rules=house.gate.allows(actor, Action.POLICIES_READ, Resource.of_house("policies")),
        **frame(request, tenant),
    )


async def _over_since(request: Request, view: ApprovalView) -> datetime | None:
    """When what a playbook is to act upon ended, where that waits for a decision and its runs may be read."""
    kind, _, id_ = view.approval.request.subject.partition("/")
    if kind != "playbook-run" or view.state is not ApprovalState.PENDING:
        return None
    actor, house = actor_of(request), house_of(request)
    tenant_id = view.approval.request.tenant_id
    if not house.gate.allows(actor, Action.PLAYBOOK_READ, Resource("playbook run", tenant_id, id_)):
        return None
    return await house.playbook_runs.over_since(actor, tenant_id, UUID(id_))


async def approve(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> Approval:
        command = Approve(
            tenant.id, _id(request), _digest(form), _reason(form), _slot(form), _assertion(form)
        )
        return await house_of(request).decisions.approve(command, actor_of(request))

    return await _decided(request, act)


async def deny(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> Approval:
        command = Deny(tenant.id, _id(request), _digest(form), _reason(form), _assertion(form))
        return await house_of(request).decisions.deny(command, actor_of(request))

    return await _decided(request, act)


async def withdraw(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> Approval:
        command = Withdraw(tenant.id, _id(request), str(form.get("withdraw_reason", "")))
        return await house_of(request).decisions.withdraw(command, actor_of(request))

    return await _decided(request, act)


async def _decided(request: Request, act: Callable[[Tenant, FormData], Awaitable[Approval]]) -> Response:
    """Back to the page: as it now stands, or with the reason why nothing was changed."""
    tenant, form = await tenant_of(request, purpose="approval"), await read_form(request)
    try:
        await act(tenant, form)
    except Refused as refusal:
        if refusal.bare:
            raise
        return await request_page(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/approvals/{_id(request)}", status_code=303)


def _id(request: Request) -> UUID:
    found: UUID = request.path_params["request"]
    return found


def _digest(form: FormData) -> str:
    """Of the intent that the page showed: what changed since is refused."""
    return str(form.get("digest", ""))


def _reason(form: FormData) -> str:
    return str(form.get("reason", ""))


def _assertion(form: FormData) -> Assertion | None:
    """What the page had the device sign; nothing where it signed nothing."""
    text = str(form.get("assertion", ""))
    return Assertion.of(parse_json(text.encode(), field="assertion")) if text else None


def _slot(form: FormData) -> int | None:
    text = str(form.get("slot", "")).strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) == 1):
        raise InvalidInput("there is no such place to fill", field="slot")
    return int(text) if text else None


_ONE = "/t/{tenant}/approvals/{request:uuid}"
routes = [
    Route(_ONE, request_page, methods=["GET"]),
    Route(f"{_ONE}/approve", approve, methods=["POST"]),
    Route(f"{_ONE}/deny", deny, methods=["POST"]),
    Route(f"{_ONE}/withdraw", withdraw, methods=["POST"]),
]
