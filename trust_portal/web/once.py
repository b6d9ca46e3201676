"""What is shown once, and still by post, redirect, get: a secret travels in a cookie of one minute.

The server keeps only hashes, so the page that follows the form could not ask anybody. The browser, which is to show
the secret anyhow, carries it over the redirect; the page takes it out and removes it. So reloading the page, going
back to it or sending the form again by mistake issues nothing and shows nothing.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trust_portal.web.authentication import cookie_name
from trust_portal.web.context import actor_of, house_of

#: Seconds from the form to the page that follows it.
_LIFE = 60


def show_once(request: Request, path: str, **shown: str) -> Response:
    """Redirect to ``path`` on this site, which shows ``shown`` to the same actor and nobody else."""
    told = json.dumps({"path": path, "to": str(actor_of(request).id), "shown": shown})
    response = RedirectResponse(path, status_code=303)
    _set(request, response, urlsafe_b64encode(told.encode()).decode(), _LIFE)
    return response


def shown_once(request: Request, *names: str) -> dict[str, str] | None:
    """What the form before this page left for it; None for another page, another actor, or what is none."""
    told = _told(request)
    try:
        return None if told is None else {name: str(told[name]) for name in names}
    except (KeyError, TypeError):
        return None


def taken(request: Request, response: Response) -> Response:
    """``response``, which leaves nothing in the browser of what was meant for its page."""
    if _told(request) is not None:
        _set(request, response, "", 0)
    return response


def _told(request: Request) -> Any:
    try:
        told = json.loads(urlsafe_b64decode(request.cookies.get(_name(request), "")))
        meant = (told["path"], told["to"]) == (request.url.path, str(actor_of(request).id))
        return told["shown"] if meant else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _name(request: Request) -> str:
    return f"{cookie_name(secure=house_of(request).settings.secure)}-once"


def _set(request: Request, response: Response, value: str, life: int) -> None:
    secure = house_of(request).settings.secure
    response.set_cookie(
        _name(request), value, max_age=life, path="/", secure=secure, httponly=True, samesite="strict"
    )
