"""The keys that sign, those that signed before, and the way to another one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.key_rotation.intent import SIGNS
from trust_portal.access.key_rotation.model import NOUN, AskKeyRotation
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, read_form, texts
from trust_portal.web.navigation import own_frame
from trust_portal.web.templating import page


async def keys(request: Request) -> Response:
    return await _keys(request, FormState({}))


async def ask(request: Request) -> Response:
    """Ask that a prepared key take over; the way leads to the request."""
    form = texts(await read_form(request))
    try:
        command = AskKeyRotation(
            one_of(KeyPurpose, form.get("purpose"), "purpose") or KeyPurpose.RECEIPTS,
            form.get("reason", ""),
            form.get("key_id") or None,
        )
        made = await house_of(request).key_rotations.ask(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await _keys(request, FormState(form, refusal))
    return RedirectResponse(f"/t/vendor/approvals/{made.id}", status_code=303)


async def _keys(request: Request, form: FormState) -> Response:
    house, actor = house_of(request), actor_of(request)
    found = await house.key_rotations.keys(actor)
    return page(
        request,
        "keys.html",
        status_code=form.status,
        found=found,
        signs=SIGNS,
        prepared=found.prepared,
        prepared_choices=[(purpose.value, f"{SIGNS[purpose].capitalize()}") for purpose in found.prepared],
        form=form,
        may_ask=house.gate.allows(actor, Action.KEY_ROTATION_REQUEST, Resource.of_house(NOUN)),
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, Resource.of_house("receipt")),
        may_read_rules=house.gate.allows(actor, Action.POLICIES_READ, Resource.of_house("policies")),
        **await own_frame(request),
    )


routes = [
    Route("/keys", keys, methods=["GET"]),
    Route("/keys", ask, methods=["POST"]),
]
