"""A customer's posture: what was last found, with its evidence; and looking again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.customer_keys.model import NOUN as KEY
from trust_portal.access.customer_keys.model import SetCustomerKey
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import SetResidency
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.sealing.model import KeyAct
from trust_portal.trust.posture.model import MAX_AGE, NOUN, Check, Outcome
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, page_request, read_form, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page

#: Of an outcome: the kind of its mark.
_LOOKS = {
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.NOT_CHECKED: "warn",
    Outcome.NOT_APPLICABLE: "mute",
}


async def posture(request: Request) -> Response:
    return await _posture(request)


async def _posture(
    request: Request, form: FormState = FormState(), agreement: FormState = FormState()
) -> Response:
    """``form`` is the one about the key, ``agreement`` the one about where the data stays."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="posture")
    view = await house.posture.view(actor, tenant.id)
    found = {each.finding.check: each for each in view.latest}
    return page(
        request,
        "trust/posture.html",
        status_code=max(form.status, agreement.status),
        form=form,
        agreement=agreement,
        agreed=view.agreed,
        overtaken=view.overtaken,
        may_agree=house.gate.allows(actor, Action.RESIDENCY_SET, Resource("agreed residency", tenant.id)),
        keys=await house.customer_keys.history(actor, tenant.id),
        may_set=house.gate.allows(actor, Action.CUSTOMER_KEY_SET, Resource(KEY, tenant.id)),
        checks=[(check, found.get(check)) for check in Check],
        history=await house.posture.history(actor, tenant.id, page_request(request)),
        looks=_LOOKS,
        now=house.clock.now(),
        max_age=MAX_AGE,
        may_check=house.gate.allows(actor, Action.POSTURE_CHECK, Resource(NOUN, tenant.id)),
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id)),
        **frame(request, tenant),
    )


async def check(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="posture")
    await house_of(request).posture.check(tenant.id, actor_of(request))
    return RedirectResponse(f"{tenant_path(tenant)}/posture", status_code=303)


async def set_key(request: Request) -> Response:
    """Enable, rotate or withdraw the customer's key."""
    tenant, form = await tenant_of(request, purpose="posture"), texts(await read_form(request))
    try:
        act = one_of(KeyAct, form.get("act"), "act") or KeyAct.ENABLE
        command = SetCustomerKey(tenant.id, act, form.get("reason", ""))
        await house_of(request).customer_keys.set(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await _posture(request, FormState(form, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/posture", status_code=303)


async def set_residency(request: Request) -> Response:
    """Put on record what is agreed now about where the customer's data stays."""
    tenant, form = await tenant_of(request, purpose="posture"), texts(await read_form(request))
    try:
        command = SetResidency(tenant.id, form.get("residency", ""), form.get("agreement_reason", ""))
        await house_of(request).tenants.set_residency(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        # The form about the key on the same page has a reason too.
        refusal.field = "agreement_reason" if refusal.field == "reason" else refusal.field
        return await _posture(request, agreement=FormState(form, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/posture", status_code=303)


routes = [
    Route("/t/{tenant}/posture", posture, methods=["GET"]),
    Route("/t/{tenant}/posture/key", set_key, methods=["POST"]),
    Route("/t/{tenant}/posture/residency", set_residency, methods=["POST"]),
    Route("/t/{tenant}/posture/check", check, methods=["POST"]),
]
