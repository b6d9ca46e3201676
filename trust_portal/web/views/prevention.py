"""Prevention actions: the list, one with all that became of it, and what may be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.policy import Resource
from trust_portal.documents import formats
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.acts_model import DropAction, FinishAction, LinkRecurrence, MoveDueDate
from trust_portal.learning.actions.model import (
    NOUN,
    ActionFilter,
    ActionOrder,
    ActionState,
    ActionType,
    PreventionAction,
    StepAct,
)
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.postmortems.words import ACTION_TYPES
from trust_portal.learning.switchboard.completion import WINDOW
from trust_portal.learning.switchboard.model import NO_TEAM
from trust_portal.learning.switchboard.service import AcknowledgeEscalation
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import (
    FormState,
    day_of,
    one_of,
    page_request,
    read_form,
    required,
    texts,
)
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.action_forms import NOBODY, id_of, owner_of, plan_of
from trust_portal.web.views.choosing_incidents import chosen_incident, others_than

RECEIPTS = "/t/vendor/receipts/"
_FILTERS = ("state", "type", "owner", "incident", "service", "team", "severity", "overdue", "agreed", "order")
_MINE = "me"
#: Status kind and word of each state.
STATES = {
    "open": ("busy", "Open"),
    "done": ("good", "Done"),
    "dropped": ("mute", "Dropped"),
    "superseded": ("mute", "Replaced"),
    "withdrawn": ("mute", "Withdrawn"),
}
TYPES = {each: ACTION_TYPES[each.value] for each in ActionType}
_STEPS = {
    StepAct.BEGIN: "Clock began",
    StepAct.MOVE: "Moved",
    StepAct.FINISH: "Done",
    StepAct.DROP: "Dropped",
    StepAct.SUPERSEDE: "Replaced",
    StepAct.WITHDRAW: "Withdrawn",
}


def standing(action: PreventionAction, at: datetime) -> tuple[str, str]:
    """Status kind and word of an action at ``at``."""
    if days := action.days_overdue(at):
        return "bad", f"Overdue by {days} {'day' if days == 1 else 'days'}"
    if action.is_open and action.due is None:
        return "mute", "Not begun"
    return STATES[action.state.value]


async def actions(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    now = house.clock.now()
    wanted = ActionFilter(
        state=one_of(ActionState, asked["state"], "state"),
        type=one_of(ActionType, asked["type"], "type"),
        owner_id=person_behind(actor) if asked["owner"] == _MINE else owner_of(asked["owner"]),
        incident_id=id_of(asked["incident"], "incident"),
        service=asked["service"].strip() or None,
        team="" if asked["team"] == NO_TEAM else asked["team"].strip() or None,
        severity=one_of(Severity, asked["severity"], "severity"),
        overdue=bool(asked["overdue"]),
        agreed_since=now - WINDOW if asked["agreed"] else None,
        order=one_of(ActionOrder, asked["order"], "order") or ActionOrder.NEWEST,
    )
    listed = await house.prevention_reader.page(actor, wanted, page_request(request))
    colleagues = await house.prevention_reader.colleagues(actor)
    return page(
        request,
        "actions/list.html",
        listed=listed,
        count=await house.prevention_reader.count(actor, wanted),
        severities=[(each.value, each.value) for each in Severity],
        standings={each.id: standing(each, now) for each in listed.items},
        asked=asked,
        filters=urlencode({name: value for name, value in asked.items() if value}),
        types=TYPES,
        owners=[
            (_MINE, "Mine"),
            *((str(each.id), each.name) for each in colleagues),
            *([(asked["owner"], asked["owner"])] if wanted.owner_id == NOBODY else ()),
        ],
        **frame(request),
    )


async def action(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    actions_, now = house.prevention_reader, house.clock.now()
    found = await actions_.get(actor, request.path_params["action"])
    reminders = await actions_.reminders(actor, found.id)
    resource = Resource(NOUN, VENDOR_ID, found.id, person_id=found.owner_id)
    may = {
        verb: found.is_open and house.gate.allows(actor, which, resource)
        for verb, which in (
            ("finish", Action.PREVENTION_ACTION_FINISH),
            ("move", Action.PREVENTION_ACTION_MOVE),
            ("plan", Action.PREVENTION_ACTION_PLAN),
            ("drop", Action.PREVENTION_ACTION_DROP),
        )
    }
    may["drop"] = may["drop"] and person_behind(actor) != found.owner_id
    may["replace"] = may["plan"] and (may["drop"] or not found.is_past_agreed(now))
    may["withdraw"] = may["plan"] and await actions_.may_be_withdrawn(actor, found)
    may["link"] = house.gate.allows(actor, Action.PREVENTION_ACTION_PLAN, resource)
    successor = found.ending.successor_id if found.ending else None
    return page(
        request,
        "actions/action.html",
        status_code=form.status,
        each=found,
        standing=standing(found, now),
        stamps=_stamps(found),
        reminders=reminders,
        ways=await actions_.ways(actor, found.id, reminders),
        coming=await actions_.next_reminder(actor, found),
        # Of one due date one note takes note of all.
        waiting=list({each.ordinal: each for each in reminders if each.waits_for_acknowledgement}.values()),
        recurrences=await actions_.recurrences(actor, found.id),
        incidents=await others_than(request) if may["link"] else [],
        successor=None if successor is None else await actions_.get(actor, successor),
        replaced=None if found.replaces is None else await actions_.get(actor, found.replaces),
        today=(await actions_.calendar(actor, found)).day_of(now).isoformat(),
        type_words=TYPES[found.type],
        receipts=RECEIPTS,
        form=form,
        may=may,
        noting=await house.switchboard.noting(actor, [found.id]),
        **frame(request),
    )


async def reminders(request: Request) -> Response:
    """Every reminder on record, of all actions."""
    actor, house = actor_of(request), house_of(request)
    asked = {name: request.query_params.get(name, "") for name in ("kind", "owner")}
    wanted = ReminderFilter(
        kind=one_of(ReminderKind, asked["kind"], "kind"),
        owner_id=person_behind(actor) if asked["owner"] == _MINE else id_of(asked["owner"], "owner"),
    )
    listed = await house.prevention_reader.reminders_page(actor, wanted, page_request(request))
    colleagues = await house.prevention_reader.colleagues(actor)
    return page(
        request,
        "actions/reminders.html",
        listed=listed,
        noting=await house.switchboard.noting(actor, (each.action_id for each in listed.items)),
        asked=asked,
        filters=urlencode({name: value for name, value in asked.items() if value}),
        owners=[(_MINE, "Mine"), *((str(each.id), each.name) for each in colleagues)],
        **frame(request),
    )


async def new(request: Request, form: FormState = FormState()) -> Response:
    """The form to plan one, for a postmortem, or in place of another."""
    actor, house = actor_of(request), house_of(request)
    await house.gate.require(actor, Action.PREVENTION_ACTION_PLAN, Resource.of_house(NOUN))
    values = dict(request.query_params) | dict(form.values)
    postmortem_id = id_of(values.get("postmortem"), "postmortem")
    if postmortem_id is None:
        raise InvalidInput("say for which postmortem", field="postmortem")
    planned = await house.prevention_reader.of_postmortem(actor, postmortem_id)
    replaces = next((each for each in planned if str(each.id) == values.get("replaces")), None)
    colleagues = await house.prevention_reader.colleagues(actor)
    return page(
        request,
        "actions/new.html",
        status_code=form.status,
        postmortem_id=postmortem_id,
        planned=planned,
        standings={each.id: standing(each, house.clock.now()) for each in planned},
        replaces=replaces,
        owners=[("", "Choose somebody"), *((str(each.id), each.name) for each in colleagues)],
        types=[(each.value, words) for each, words in TYPES.items()],
        form=form,
        **frame(request),
    )


async def plan(request: Request) -> Response:
    form = await read_form(request)
    try:
        made = await house_of(request).prevention_actions.plan(plan_of(form), actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await new(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/actions/{made.id}", status_code=303)


async def finish(request: Request) -> Response:
    async def act(form: FormData) -> object:
        command = FinishAction(
            request.path_params["action"],
            str(form.get("evidence", "")),
            str(form.get("note", "")),
            str(form.get("sha256", "")) or None,
        )
        return await house_of(request).prevention_actions.finish(command, actor_of(request))

    return await _done(request, act)


async def move(request: Request) -> Response:
    async def act(form: FormData) -> object:
        due, reason = day_of(form.get("due"), "due"), str(form.get("reason", ""))
        command = MoveDueDate(request.path_params["action"], due, reason)
        return await house_of(request).prevention_actions.move(command, actor_of(request))

    return await _done(request, act)


async def drop(request: Request) -> Response:
    async def act(form: FormData) -> object:
        command = DropAction(request.path_params["action"], str(form.get("drop_reason", "")))
        return await house_of(request).prevention_actions.drop(command, actor_of(request))

    return await _done(request, act)


async def withdraw(request: Request) -> Response:
    async def act(form: FormData) -> object:
        reason = required(form, "withdraw_reason", label="the reason")
        id_ = request.path_params["action"]
        return await house_of(request).prevention_actions.withdraw(actor_of(request), id_, reason)

    return await _done(request, act)


async def recurrence(request: Request) -> Response:
    async def act(form: FormData) -> object:
        incident_id = await chosen_incident(request, form, "incident")
        if incident_id is None:
            raise InvalidInput("say which incident", field="incident")
        note = str(form.get("recurrence_note", ""))
        command = LinkRecurrence(request.path_params["action"], incident_id, note)
        return await house_of(request).prevention_actions.link_recurrence(command, actor_of(request))

    return await _done(request, act)


async def acknowledge(request: Request) -> Response:
    async def act(form: FormData) -> None:
        command = AcknowledgeEscalation(
            request.path_params["action"],
            request.path_params["ordinal"],
            str(form.get("acknowledgement", "")),
        )
        await house_of(request).switchboard.acknowledge(command, actor_of(request))

    return await _done(request, act)


async def _done(request: Request, act: Callable[[FormData], Awaitable[object]]) -> Response:
    """Do it and show the action, or what waits beside it; a refused form comes back on its page."""
    form = await read_form(request)
    try:
        await act(form)
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await action(request, FormState(texts(form), refusal))
    if form.get("back") == ReminderKind.WAITING:
        return RedirectResponse(f"/actions/reminders?kind={ReminderKind.WAITING}", status_code=303)
    return RedirectResponse(f"/actions/{request.path_params['action']}", status_code=303)


def _stamps(each: PreventionAction) -> list[dict[str, Any]]:
    """From the plan to where it stands; each stamp opens its receipt."""
    stamps = [_stamp("Planned", each.created_at, each.created_by, each.receipt_id)]
    for step in each.steps:
        word = _STEPS[step.act]
        if step.due is not None:
            word = f"{word}, due {formats.day(step.due)}"
        stamps.append(_stamp(word, step.at, step.by, step.receipt_id))
        if step.act in {StepAct.DROP, StepAct.WITHDRAW}:
            stamps[-1]["state"] = "refused"
    if each.is_open:
        words = "Clock begins" if each.due is None else "Done"
        stamps.append({"word": words, "state": "next"})
    return stamps


def _stamp(word: str, at: datetime, by: str, receipt: UUID) -> dict[str, Any]:
    return {
        "word": word,
        "at": formats.instant(at.replace(microsecond=0)),
        "by": by,
        "href": f"{RECEIPTS}{receipt}",
    }


_ONE = "/actions/{action:uuid}"
routes = [
    Route("/actions", actions, methods=["GET"]),
    Route("/actions", plan, methods=["POST"]),
    Route("/actions/new", new, methods=["GET"]),
    Route("/actions/reminders", reminders, methods=["GET"]),
    Route(_ONE, action, methods=["GET"]),
    Route(f"{_ONE}/drop", drop, methods=["POST"]),
    Route(f"{_ONE}/escalations/{{ordinal:int}}", acknowledge, methods=["POST"]),
    Route(f"{_ONE}/finish", finish, methods=["POST"]),
    Route(f"{_ONE}/move", move, methods=["POST"]),
    Route(f"{_ONE}/recurrences", recurrence, methods=["POST"]),
    Route(f"{_ONE}/withdraw", withdraw, methods=["POST"]),
]
