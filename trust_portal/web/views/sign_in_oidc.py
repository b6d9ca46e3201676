"""Coming in by the company's own provider (OpenID Connect, authorization code with PKCE).

What must come back unchanged is kept in the browser, in a cookie of its own: readable by us alone,
sent only below this path, gone after ten minutes or the first return.
"""

from __future__ import annotations

import base64
import binascii
import json
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.sign_in.oidc import TRANSACTION_LIFE, OidcTransaction
from trust_portal.access.sign_in.oidc_sign_in import CALLBACK_PATH, OidcSignIn
from trust_portal.errors import Denied, NotFound, NotSignedIn
from trust_portal.web.authentication import session_cookie
from trust_portal.web.context import client_of, house_of, signed_in_of
from trust_portal.web.targets import safe_target
from trust_portal.web.templating import page

START_PATH = "/sign-in/oidc"
CONNECT_PATH = "/sign-in/oidc/connect"
_ACCOUNT = "/account"


async def start(request: Request) -> Response:
    return _away(request, *await _provider(request).begin(), safe_target(request.query_params.get("next")))


async def start_connecting(request: Request) -> Response:
    """To the provider, to say there which identity is that of the person who is signed in here.

    No form: browsers do not follow those to another site. So it must have been begun on a page of ours.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Denied("begin on your account's page", code="CROSS_SITE")
    signed_in = signed_in_of(request)
    url, transaction = await _provider(request).begin_connecting(signed_in)
    return _away(request, url, transaction, _ACCOUNT, signed_in.session_id)


def _away(
    request: Request, url: str, transaction: OidcTransaction, target: str, session_id: UUID | None = None
) -> Response:
    """``session_id`` that of the browser's session, where an identity is to be connected."""
    response = RedirectResponse(url, status_code=303)
    kept = json.dumps([transaction.to_text(), target, None if session_id is None else str(session_id)])
    response.headers.append("set-cookie", _cookie(request, base64.urlsafe_b64encode(kept.encode()).decode()))
    return response


async def finish(request: Request) -> Response:
    try:
        transaction, target, connecting = _kept(request)
        params, provider = dict(request.query_params), _provider(request)
        if connecting is not None:
            present = signed_in_of(request)
            if str(present.session_id) != connecting:
                raise NotSignedIn("another one is signed in here by now", code="NO_TRANSACTION")
            await provider.connect(params, transaction, present)
            cookie = None
        else:
            cookie = (await provider.finish(params, transaction, client_of(request))).cookie or ""
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
        if cookie is not None:
            response.headers.append("set-cookie", session_cookie(house_of(request).settings, cookie))
    response.headers.append("set-cookie", _cookie(request, ""))
    return response


def _provider(request: Request) -> OidcSignIn:
    oidc = house_of(request).oidc
    if oidc is None:
        raise NotFound("way to sign in")
    return oidc


def _kept(request: Request) -> tuple[OidcTransaction, str, str | None]:
    """What ``start`` left in this browser; ``NotSignedIn`` for a browser that did not begin here."""
    try:
        text, target, connecting = json.loads(base64.urlsafe_b64decode(request.cookies[_name(request)]))
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise NotSignedIn(
            "this sign-in was not begun in this browser, or more than ten minutes ago", code="NO_TRANSACTION"
        ) from error
    return (
        OidcTransaction.from_text(text),
        safe_target(str(target)),
        None if connecting is None else str(connecting),
    )


def _name(request: Request) -> str:
    return ("__Secure-" if house_of(request).settings.secure else "") + "trust-portal-oidc"


def _cookie(request: Request, value: str) -> str:
    """``SameSite=Lax``: the way back is a top-level navigation from the provider's site."""
    age = int(TRANSACTION_LIFE.total_seconds()) if value else 0
    line = f"{_name(request)}={value}; Path={START_PATH}; Max-Age={age}; HttpOnly; SameSite=Lax"
    return f"{line}; Secure" if house_of(request).settings.secure else line


routes = [
    Route(START_PATH, start, methods=["GET"]),
    Route(CONNECT_PATH, start_connecting, methods=["GET"]),
    Route(CALLBACK_PATH, finish, methods=["GET"]),
]
