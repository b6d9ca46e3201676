"""One's own account: roles and sessions."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.web.context import house_of, signed_in_of
from trust_portal.web.navigation import own_frame
from trust_portal.web.templating import is_fragment, page


async def account(request: Request) -> Response:
    signed_in = signed_in_of(request)
    actor = signed_in.actor
    sessions = await house_of(request).sessions.of_person(actor, actor.tenant_id, actor.id)
    return page(
        request,
        "account.html",
        part="account_sessions.html",
        sessions=sessions,
        current=signed_in.session_id,
        **await own_frame(request),
    )


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
    Route("/account/sessions/{session:uuid}/revoke", revoke_session, methods=["POST"]),
    Route("/account/sessions/revoke-others", revoke_others, methods=["POST"]),
]
