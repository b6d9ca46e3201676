"""All postmortems, the newest first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import page_request
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.postmortem.words import STATES


async def postmortems(request: Request) -> Response:
    unsigned = request.query_params.get("show") == "unsigned"
    listed = await house_of(request).postmortem_reader.page(
        actor_of(request), page_request(request), unsigned=unsigned
    )
    return page(
        request,
        "postmortems/list.html",
        listed=listed,
        unsigned=unsigned,
        states=STATES,
        now=house_of(request).clock.now(),
        **frame(request),
    )


routes = [Route("/postmortems", postmortems, methods=["GET"])]
