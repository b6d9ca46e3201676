"""Choosing the colours of the pages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.errors import InvalidInput
from trust_portal.web.context import house_of
from trust_portal.web.forms import read_form
from trust_portal.web.targets import safe_target
from trust_portal.web.theme import THEMES, theme_cookie


async def choose(request: Request) -> Response:
    form = await read_form(request)
    theme = str(form.get("theme", ""))
    if theme not in THEMES:
        raise InvalidInput("choose auto, light or dark", field="theme")
    response = RedirectResponse(safe_target(str(form.get("next", ""))), status_code=303)
    response.headers.append("set-cookie", theme_cookie(theme, secure=house_of(request).settings.secure))
    return response


routes = [Route("/theme", choose, methods=["POST"])]
