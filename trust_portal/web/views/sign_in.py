"""Coming in and going out: one-time links, OpenID Connect, and the demo's personas."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.sessions.model import SignedIn
from trust_portal.access.sign_in.links import LINK_PATH
from trust_portal.errors import InvalidInput, NotSignedIn
from trust_portal.kernel.actor import Role
from trust_portal.web.authentication import session_cookie
from trust_portal.web.context import actor_or_none, client_of, house_of, signed_in_of
from trust_portal.web.forms import read_form
from trust_portal.web.targets import safe_target
from trust_portal.web.templating import page


async def sign_in(request: Request) -> Response:
    target = safe_target(request.query_params.get("next"))
    if actor_or_none(request) is not None:
        return RedirectResponse(target, status_code=303)
    house = house_of(request)
    return page(
        request,
        "sign_in.html",
        personas=house.personas.all(),
        oidc=house.oidc is not None,
        next=target,
    )


async def as_persona(request: Request) -> Response:
    form = await read_form(request)
    try:
        role = Role(str(form.get("role", "")))
    except ValueError as error:
        raise InvalidInput("choose one of the people listed", field="role") from error
    signed_in = await house_of(request).personas.sign_in(role, client_of(request))
    return enter(request, signed_in, safe_target(str(form.get("next", ""))))


async def link(request: Request) -> Response:
    """Shows a button: mail scanners follow links, and only a POST spends this one."""
    return page(request, "sign_in_link.html", action=request.url.path)


async def spend_link(request: Request) -> Response:
    try:
        signed_in = await house_of(request).sign_in_links.consume(
            request.path_params["secret"], client_of(request)
        )
    except NotSignedIn as refusal:
        return page(request, "sign_in_link.html", status_code=401, action=None, refusal=refusal.message)
    return enter(request, signed_in, "/")


async def sign_out(request: Request) -> Response:
    signed_in = signed_in_of(request)
    await house_of(request).sessions.revoke(signed_in.actor, signed_in.actor.tenant_id, signed_in.session_id)
    response = RedirectResponse("/sign-in", status_code=303)
    response.headers["set-cookie"] = session_cookie(house_of(request).settings, "")
    return response


def enter(request: Request, signed_in: SignedIn, target: str) -> Response:
    """Send a newly signed-in browser on, with its cookie."""
    response = RedirectResponse(target, status_code=303)
    response.headers["set-cookie"] = session_cookie(house_of(request).settings, signed_in.cookie or "")
    return response


routes = [
    Route("/sign-in", sign_in, methods=["GET"]),
    Route("/sign-in/persona", as_persona, methods=["POST"]),
    Route(f"{LINK_PATH}{{secret}}", link, methods=["GET"]),
    Route(f"{LINK_PATH}{{secret}}", spend_link, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
