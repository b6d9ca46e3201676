"""How refusals look from outside: one JSON shape for programs, one page for people.

JSON (RFC 9457 would name the same things differently; clients of ours read this one shape)::

    {"code": "NOT_FOUND", "message": "no such report", "field": null, "reference": null}

An error nobody foresaw is logged whole under a random reference; outside, only the reference shows.
"""

from __future__ import annotations

import secrets
from urllib.parse import quote

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from trust_portal.errors import NotSignedIn, TrustPortalError, Unavailable
from trust_portal.web.templating import page

_log = structlog.get_logger(__name__)

#: What a person reads above the message, by status.
_TITLES = {
    400: "This request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not done this way",
    409: "Not together with what is stored",
    413: "Too large",
    415: "Not in this format",
    422: "Something needs correcting",
    429: "Too many requests",
    500: "Something of ours broke",
    503: "Try again in a moment",
}


def install(app: Starlette) -> None:
    """Register the handlers on ``app``."""
    app.add_exception_handler(TrustPortalError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def wants_json(request: Request) -> bool:
    """Whether a program asks: a JSON path, a bearer token, or no wish for HTML."""
    if request.headers.get("authorization") or request.url.path.startswith(
        ("/events", "/graphql", "/schemas", "/webhooks/in/")
    ):
        return True
    return "text/html" not in request.headers.get("accept", "")


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, TrustPortalError)  # noqa: S101 - registered for this type only
    if isinstance(error, NotSignedIn) and request.method == "GET" and not wants_json(request):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(target, safe='/')}", status_code=303)
    if error.status >= 500 and not isinstance(error, Unavailable):
        return await _unforeseen(request, error)
    headers = {"retry-after": "5"} if isinstance(error, Unavailable) else {}
    if isinstance(error, NotSignedIn):
        headers["www-authenticate"] = 'Bearer realm="trust-portal"'
    return _answer(request, error.status, error.code, error.message, field=error.field, headers=headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}.get(error.status_code, "REFUSED")
    message = {404: "there is no page at this address", 405: "this address does not take that method"}
    return _answer(
        request,
        error.status_code,
        code,
        message.get(error.status_code, error.detail),
        headers=dict(error.headers or {}),
    )


async def _unforeseen(request: Request, error: Exception) -> Response:
    reference = secrets.token_hex(6)
    _log.error("unforeseen", reference=reference, path=_told_of(request), exc_info=error)
    return _answer(
        request,
        500,
        "INTERNAL",
        "the request could not be finished and nothing was half-done; tell your operator the reference",
        reference=reference,
    )


def _told_of(request: Request) -> str:
    """The address as the log may keep it: what opens a door to whoever reads it (a link, an invitation) is left out."""
    secret = request.path_params.get("secret")
    return request.url.path.replace(str(secret), "{secret}") if secret else request.url.path


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    reference: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    if wants_json(request):
        body = {"code": code, "message": message, "field": field, "reference": reference}
        return JSONResponse(body, status_code=status, headers=headers)
    return page(
        request,
        "error.html",
        status_code=status,
        headers=headers,
        # Not even the address is repeated: what is foreign and what is absent read the same, byte for byte.
        here=None,
        title=_TITLES.get(status, "This did not work"),
        status=status,
        code=code,
        message=message,
        field=field,
        reference=reference,
    )
