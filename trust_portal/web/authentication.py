"""Who acts, found once per request from the session cookie or the bearer token.

The result is ``request.state.actor`` (absent: nobody). An unusable bearer token is an error at once:
a program should hear it. An unusable cookie is simply not a sign-in; it is left alone, since beside a
rotation it may only be a moment behind.
"""

from __future__ import annotations

from typing import cast

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trust_portal.access.sessions.model import SignedIn
from trust_portal.errors import NotSignedIn
from trust_portal.house import House
from trust_portal.settings import Settings

#: Paths that need nobody: no look-up is made for them. A pager proves itself where it delivers.
_PUBLIC = ("/static/", "/healthz", "/readyz", "/metrics", "/schemas", "/.well-known/", "/webhooks/in/")
#: Looks its token up itself, since it needs the bounds of it too: twice would be once too often.
_ADMITS_BY_ITSELF = "/events"


def cookie_name(*, secure: bool) -> str:
    """``__Host-`` binds the cookie to this origin and path; browsers take that prefix over https only."""
    return "__Host-trust-portal" if secure else "trust-portal"


def bearer_token(authorization: str | None) -> str | None:
    """The token of an ``Authorization: Bearer …`` header (RFC 6750 §2.1), or None."""
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def session_cookie(settings: Settings, value: str) -> str:
    """The ``Set-Cookie`` line for a session; an empty ``value`` removes it (RFC 6265 §4.1)."""
    line = f"{cookie_name(secure=settings.secure)}={value}; Path=/; HttpOnly; SameSite=Lax"
    if settings.secure:
        line += "; Secure"
    return line if value else f"{line}; Max-Age=0"


class Authentication:
    """Sets ``scope["state"]["actor"]`` (and ``"signed_in"`` for a browser) for all that lies below it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _needs_somebody(scope["path"]):
            request = Request(scope)
            house = cast("House", scope["app"].state.house)
            authorization = request.headers.get("authorization")
            state = scope.setdefault("state", {})
            if authorization is not None:
                token = bearer_token(authorization)
                if token is None:
                    raise NotSignedIn("send `Authorization: Bearer <token>`", code="BAD_CREDENTIAL")
                state["actor"] = await house.tokens.authenticate(token)
            elif cookie := request.cookies.get(cookie_name(secure=house.settings.secure)):
                signed_in = await house.sessions.authenticate(cookie)
                if signed_in is not None:
                    state["signed_in"] = signed_in
                    state["actor"] = signed_in.actor
                    send = _renewing(send, house.settings, signed_in)
        await self.app(scope, receive, send)


def _needs_somebody(path: str) -> bool:
    return path != _ADMITS_BY_ITSELF and not path.startswith(_PUBLIC)


def _renewing(send: Send, settings: Settings, signed_in: SignedIn) -> Send:
    """Hands the browser its new secret when the session's was rotated."""
    if signed_in.cookie is None:
        return send
    line = session_cookie(settings, signed_in.cookie)

    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            # Signing in or out says something newer about the same cookie.
            name = line.partition("=")[0] + "="
            if not any(each.startswith(name) for each in headers.getlist("set-cookie")):
                headers.append("set-cookie", line)
        await send(message)

    return with_cookie
