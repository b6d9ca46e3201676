"""All postmortems, the newest first; narrowed as the Switchboard is."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.errors import InvalidInput
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.postmortems.filters import PostmortemFilter
from trust_portal.learning.switchboard.model import NO_TEAM, BoardFilter
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import one_of, page_request
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.postmortem.words import STATES

_FILTERS: Final = ("show", "service", "team", "owner", "severity")
_SHOWN: Final = {
    "": "All",
    "unsigned": "Not signed yet",
    "late": "For more than two weeks",
}


async def postmortems(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    asked = {name: request.query_params.get(name, "").strip() for name in _FILTERS}
    if asked["show"] not in _SHOWN:
        raise InvalidInput(f"choose one of {', '.join(filter(None, _SHOWN))}, or nothing", field="show")
    kept = BoardFilter(
        service=asked["service"] or None,
        team="" if asked["team"] == NO_TEAM else asked["team"] or None,
        owner=asked["owner"] or None,
        severity=one_of(Severity, asked["severity"], "severity"),
    )
    late = await house.switchboard.late_postmortems(actor, kept) if asked["show"] == "late" else None
    wanted = PostmortemFilter(
        asked["show"] == "unsigned", kept.service, kept.team, kept.owner, kept.severity, late
    )
    filters = {name: value for name, value in asked.items() if value}
    return page(
        request,
        "postmortems/list.html",
        listed=await house.postmortem_reader.page(actor, page_request(request), wanted),
        count=await house.postmortem_reader.count(actor, wanted),
        asked=asked,
        filters=urlencode(filters),
        tabs=[
            {
                "label": label,
                "href": f"/postmortems?{urlencode(filters | {'show': show})}" if show else _all(filters),
                "current": show == asked["show"],
            }
            for show, label in _SHOWN.items()
        ],
        severities=[(each.value, each.value) for each in Severity],
        states=STATES,
        now=house.clock.now(),
        **frame(request),
    )


def _all(filters: dict[str, str]) -> str:
    rest = urlencode({name: value for name, value in filters.items() if name != "show"})
    return f"/postmortems?{rest}" if rest else "/postmortems"


routes = [Route("/postmortems", postmortems, methods=["GET"])]
