"""Reminders are sent: each rung once, in the transaction that puts it on record."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from trust_portal.access.people.model import Person
from trust_portal.access.people.repository import find_active_person, holders
from trust_portal.errors import Broken
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import PreventionAction, Reminder
from trust_portal.learning.actions.recording import reminding_calendar
from trust_portal.learning.actions.reminders import Rung, occasion, rung_times, unrecorded
from trust_portal.learning.actions.reminders_repository import record_sent, recorded, recorded_of
from trust_portal.learning.actions.repository import begun_actions, find_action
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.repository import workplace_of, workplaces_of
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import Topic
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

log = logging.getLogger(__name__)

_SCOPE = TenantScope(VENDOR_ID)
_AT_A_TIME = 500
_PMO = "PMO"


class ActionReminders:
    """Safe beside others and after any crash: what is on record is not sent again, what is not yet is."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def round(self) -> int:
        """Send what is due now; how many reminders that were.

        What goes wrong with one action keeps nobody from being reminded of the others; the next round tries
        it again.
        """
        sent, after = 0, None
        while True:
            async with self._storage.read(_SCOPE) as session:
                actions = await begun_actions(session, after=after, limit=_AT_A_TIME)
                known = await recorded_of(session, [each.id for each in actions])
                places = await workplaces_of(session, {each.owner_id for each in actions})
            now = self._storage.clock.now()
            for action in actions:
                step, due = action.dates[-1]
                place = places[action.owner_id]
                calendar = place.calendar if place.revision else action.calendar
                try:
                    if unrecorded(due, calendar, known.get((action.id, step.ordinal), ()), now):
                        sent += await self.remind(action.id)
                except Broken:
                    raise
                except Exception:
                    log.exception("nobody could be reminded of action %s", action.id)
            if len(actions) < _AT_A_TIME:
                return sent
            after = actions[-1].id

    async def remind(self, action_id: UUID) -> int:
        """Send what is due of one action, as it stands now; how many reminders that were."""
        async with self._storage.write(_SCOPE) as session:
            action = await find_action(session, action_id)
            if not action.is_open or not action.dates:
                return 0
            now = session.clock.now()
            step, due = action.dates[-1]
            calendar = await reminding_calendar(session, action)
            known = await recorded(session, action.id, step.ordinal)
            times = rung_times(due, calendar)
            sent = 0
            for rung in unrecorded(due, calendar, known, now):
                audience, told = await _audience(session, action, rung, now)
                to_pmo = bool(audience.roles)
                reminder = Reminder(step.ordinal, due, rung, times[rung], now, None, told, to_pmo)
                sent += await _send(session, action, reminder, audience, calendar)
            return sent


async def _send(
    session: WriteSession,
    action: PreventionAction,
    reminder: Reminder,
    audience: Audience,
    calendar: WorkCalendar,
) -> bool:
    """False where it is on record already, sent or skipped: then nobody is told."""
    now, due, rung = reminder.at, reminder.due, reminder.rung
    if not await record_sent(session, action.id, reminder):
        return False
    days_over = (calendar.day_of(now) - due).days
    title, text = _words(action, rung, days_over, to_owner=not reminder.to_pmo)
    await announce(
        session,
        Announcement(
            topic=Topic.ACTION_ESCALATED if rung.escalates else Topic.ACTION_REMINDER,
            key=occasion(action.id, reminder.ordinal, rung),
            thread=f"action/{action.id}",
            title=title,
            text=text,
            path=f"/actions/{action.id}",
            facts={
                "action": str(action.id),
                "incident": str(action.incident_id),
                "owner": action.owner,
                "due": due.isoformat(),
                "rung": rung.value,
                "days_overdue": str(max(days_over, 0)),
                "moves": str(action.moves),
            },
            audience=audience,
        ),
    )
    return True


async def _audience(
    session: WriteSession, action: PreventionAction, rung: Rung, at: datetime
) -> tuple[Audience, tuple[str, ...]]:
    """Whom a rung is for, and their names. Where somebody has left, those who follow the actions are told.

    No name where nobody holds their role: the board and the webhooks say it all the same.
    """
    person: Person | None = None
    if rung is Rung.MANAGER:
        manager = (await workplace_of(session, action.owner_id)).manager_id
        person = None if manager is None else await find_active_person(session, VENDOR_ID, manager, at)
    elif rung is not Rung.PMO:
        person = await find_active_person(session, VENDOR_ID, action.owner_id, at)
    if person is not None:
        return Audience(people=frozenset({person.id})), (person.name,)
    held = await holders(session, VENDOR_ID, (Role.PMO,), (), at)
    return Audience(roles=frozenset({Role.PMO})), (_PMO,) if held else ()


def _words(action: PreventionAction, rung: Rung, days_over: int, *, to_owner: bool) -> tuple[str, str]:
    """Title and text, true at the moment of sending, which may be late, after an outage.

    ``days_over``: calendar days since the due day, by the clock that the rung came by; negative before it.
    """
    due = action.dates[-1][1]
    if days_over < 0:
        when = f"due on {due:%-d %B %Y}"
    elif days_over == 0:
        when = "due today"
    else:
        when = f"overdue by {days_over} {'day' if days_over == 1 else 'days'}"
    moved = f" Its due date was moved {action.moves} times." if action.moves > 1 else ""
    moved = " Its due date was moved once." if action.moves == 1 else moved
    if rung.escalates:
        text = f"{action.owner} owes it since {due:%-d %B %Y}.{moved} Ask what it takes, and help to get it done."
        return f"Escalated, {when}: {action.title}", text
    text = (
        f"You own this prevention action.{moved} Say that it is done, and where that shows; or move the date, "
        "with a reason."
        if to_owner
        else f"{action.owner} owns this prevention action, and is not here any more.{moved} See that it is done, "
        "or that another takes its place."
    )
    return f"{when[:1].upper()}{when[1:]}: {action.title}", text
