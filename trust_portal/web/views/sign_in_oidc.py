"""Coming in by the company's own provider (OpenID Connect, authorization code with PKCE).

What must come back unchanged is kept in the browser, in a cookie of its own: readable by us alone,
sent only below this path, gone after ten minutes or the first return.
"""

from __future__ import annotations

import base64
import binascii
import json

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.sign_in.oidc import TRANSACTION_LIFE, OidcTransaction
from trust_portal.access.sign_in.oidc_sign_in import CALLBACK_PATH, OidcSignIn
from trust_portal.errors import NotFound, NotSignedIn
from trust_portal.web.authentication import session_cookie
from trust_portal.web.context import client_of, house_of
from trust_portal.web.targets import safe_target
from trust_portal.web.templating import page

START_PATH = "/sign-in/oidc"


async def start(request: Request) -> Response:
    url, transaction = await _provider(request).begin()
    response = RedirectResponse(url, status_code=303)
    kept = json.dumps([transaction.to_text(), safe_target(request.query_params.get("next"))])
    response.headers.append("set-cookie", _cookie(request, base64.urlsafe_b64encode(kept.encode()).decode()))
    return response


async def finish(request: Request) -> Response:
    try:
        transaction, target = _kept(request)
        signed_in = await _provider(request).finish(
            dict(request.query_params), transaction, client_of(request)
        )
    except NotSignedIn as refusal:
        response: Response = page(
            request,
            "sign_in_refused.html",
            status_code=401,
            refusal=refusal.message,
            again=START_PATH,
        )
    else:
        response = RedirectResponse(target, status_code=303)
        response.headers.append(
            "set-cookie", session_cookie(house_of(request).settings, signed_in.cookie or "")
        )
    response.headers.append("set-cookie", _cookie(request, ""))
    return response


def _provider(request: Request) -> OidcSignIn:
    oidc = house_of(request).oidc
    if oidc is None:
        raise NotFound("way to sign in")
    return oidc


def _kept(request: Request) -> tuple[OidcTransaction, str]:
    """What ``start`` left in this browser; ``NotSignedIn`` for a browser that did not begin here."""
    try:
        text, target = json.loads(base64.urlsafe_b64decode(request.cookies[_name(request)]))
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise NotSignedIn(
            "this sign-in was not begun in this browser, or more than ten minutes ago", code="NO_TRANSACTION"
        ) from error
    return OidcTransaction.from_text(text), safe_target(str(target))


def _name(request: Request) -> str:
    return ("__Secure-" if house_of(request).settings.secure else "") + "trust-portal-oidc"


def _cookie(request: Request, value: str) -> str:
    """``SameSite=Lax``: the way back is a top-level navigation from the provider's site."""
    age = int(TRANSACTION_LIFE.total_seconds()) if value else 0
    line = f"{_name(request)}={value}; Path={START_PATH}; Max-Age={age}; HttpOnly; SameSite=Lax"
    return f"{line}; Secure" if house_of(request).settings.secure else line


routes = [
    Route(START_PATH, start, methods=["GET"]),
    Route(CALLBACK_PATH, finish, methods=["GET"]),
]
