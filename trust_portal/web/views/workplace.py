"""Where one works: holidays, clock, manager; and one's due dates in one's own calendar."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, Refused
from trust_portal.learning.workplaces.calendar import WorkCalendar, countries
from trust_portal.learning.workplaces.model import NOUN, SetWorkplace
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import frame
from trust_portal.web.once import show_once, shown_once, taken
from trust_portal.web.templating import page

_ICS = "text/calendar; charset=utf-8"
_MINE = "me"


async def workplace(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    person_id = person_behind(actor)
    place = await house.workplaces.get(actor, person_id)
    colleagues = await house.prevention_reader.colleagues(actor)
    shown = page(
        request,
        "workplace.html",
        status_code=form.status,
        place=place,
        countries=[("", "Monday to Friday, no holidays"), *((each, each) for each in countries())],
        managers=[
            ("", "Nobody"),
            *((str(each.id), each.name) for each in colleagues if each.id != person_id),
        ],
        has_link=await house.calendar_feeds.has_link(actor),
        link=shown_once(request, "url"),
        form=form,
        **frame(request),
    )
    return taken(request, shown)


async def set_workplace(request: Request) -> Response:
    actor, form = actor_of(request), await read_form(request)
    try:
        calendar = WorkCalendar(
            str(form.get("country", "")).strip().upper() or None,
            str(form.get("subdivision", "")).strip().upper() or None,
            str(form.get("time_zone", "")).strip(),
        )
        command = SetWorkplace(person_behind(actor), calendar, _manager(form.get("manager")))
        await house_of(request).workplaces.set(command, actor)
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await workplace(request, FormState(texts(form), refusal))
    return RedirectResponse("/account/workplace", status_code=303)


async def make_link(request: Request) -> Response:
    link = await house_of(request).calendar_feeds.make_link(actor_of(request))
    return show_once(request, "/account/workplace", url=link)


async def revoke_link(request: Request) -> Response:
    """By whoever it is of, from whichever page of theirs they may still open."""
    actor, house = actor_of(request), house_of(request)
    await house.calendar_feeds.revoke_link(actor)
    stays = house.gate.allows(actor, Action.WORKPLACE_READ, Resource.of_house(NOUN, person_behind(actor)))
    return RedirectResponse("/account/workplace" if stays else "/account", status_code=303)


async def due_file(request: Request) -> Response:
    """The due dates of everybody, or ``?owner=me``."""
    actor = actor_of(request)
    mine = request.query_params.get("owner") == _MINE
    data = await house_of(request).calendar_feeds.file(actor, person_behind(actor) if mine else None)
    return Response(data, media_type=_ICS, headers={"content-disposition": 'attachment; filename="due.ics"'})


async def feed(request: Request) -> Response:
    """What a calendar reads; the secret in the path is all it needs."""
    data = await house_of(request).calendar_feeds.follow(request.path_params["secret"])
    return Response(data, media_type=_ICS, headers={"cache-control": "private, no-store"})


def _manager(text: object) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(str(text))
    except ValueError:
        raise InvalidInput("choose somebody who works here", field="manager") from None


routes = [
    Route("/account/workplace", workplace, methods=["GET"]),
    Route("/account/workplace", set_workplace, methods=["POST"]),
    Route("/account/calendar", make_link, methods=["POST"]),
    Route("/account/calendar/revoke", revoke_link, methods=["POST"]),
    Route("/actions/due.ics", due_file, methods=["GET"]),
    Route("/calendars/{secret:str}.ics", feed, methods=["GET"]),
]
