"""One's own account: roles, sessions and passkeys."""

from __future__ import annotations

from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.passkeys.model import FinishEnrolment, NameOfPasskey
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, Refused
from trust_portal.web.context import house_of, signed_in_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import own_frame, tenant_path
from trust_portal.web.templating import is_fragment, page


async def account(request: Request, form: FormState = FormState()) -> Response:
    signed_in, house = signed_in_of(request), house_of(request)
    actor = signed_in.actor
    sessions = await house.sessions.of_person(actor, actor.tenant_id, actor.id)
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", actor.tenant_id))
    # Who has no role may read nothing of their house, and sees their account all the same.
    home = await house.tenants.get(actor, actor.tenant_id) if may_trace else None
    return page(
        request,
        "account.html",
        part="account_sessions.html",
        status_code=form.status,
        sessions=sessions,
        current=signed_in.session_id,
        passkeys=await house.passkeys.of(actor),
        passkeys_unavailable=house.passkeys.unavailable(),
        own_receipts=f"{tenant_path(home)}/receipts/" if home is not None else None,
        may_connect=house.oidc is not None,
        fresh=house.passkeys.is_fresh(signed_in),
        has_link=actor.is_staff and await house.calendar_feeds.has_link(actor),
        form=form,
        **await own_frame(request),
    )


async def begin_passkey(request: Request) -> Response:
    """The page on which the device is asked."""
    form = await read_form(request)
    try:
        command = NameOfPasskey(str(form.get("name", "")))
        ceremony = await house_of(request).passkeys.begin(command, signed_in_of(request))
    except Refused as refusal:
        return await account(request, FormState(texts(form), refusal))
    return page(request, "passkey_new.html", ceremony=ceremony, **await own_frame(request))


async def finish_passkey(request: Request) -> Response:
    form = await read_form(request)
    try:
        command = FinishEnrolment(_ceremony(form), str(form.get("credential", "")))
        await house_of(request).passkeys.finish(command, signed_in_of(request))
    except Refused as refusal:
        return await account(request, FormState({}, refusal))
    return RedirectResponse("/account#passkeys", status_code=303)


async def revoke_passkey(request: Request) -> Response:
    passkey_id: UUID = request.path_params["passkey"]
    await house_of(request).passkeys.revoke(passkey_id, signed_in_of(request).actor)
    return RedirectResponse("/account#passkeys", status_code=303)


def _ceremony(form: FormData) -> UUID:
    try:
        return UUID(str(form.get("ceremony", "")))
    except ValueError:
        raise InvalidInput("begin again on your account's page", field=None) from None


async def revoke_session(request: Request) -> Response:
    signed_in = signed_in_of(request)
    session_id: UUID = request.path_params["session"]
    await house_of(request).sessions.revoke(signed_in.actor, signed_in.actor.tenant_id, session_id)
    return await _after(request)


async def revoke_others(request: Request) -> Response:
    await house_of(request).sessions.revoke_others(signed_in_of(request))
    return await _after(request)


async def _after(request: Request) -> Response:
    return await account(request) if is_fragment(request) else RedirectResponse("/account", status_code=303)


routes = [
    Route("/account", account, methods=["GET"]),
    Route("/account/passkeys", finish_passkey, methods=["POST"]),
    Route("/account/passkeys/begin", begin_passkey, methods=["POST"]),
    Route("/account/passkeys/{passkey:uuid}/revoke", revoke_passkey, methods=["POST"]),
    Route("/account/sessions/{session:uuid}/revoke", revoke_session, methods=["POST"]),
    Route("/account/sessions/revoke-others", revoke_others, methods=["POST"]),
]
