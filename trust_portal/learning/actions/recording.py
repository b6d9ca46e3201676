"""How an act upon an action is put down: its receipt, its step, and the reminders it makes pointless."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from trust_portal.access.approvals.model import person_behind
from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.actions.model import PreventionAction, Reminder, Step, StepAct
from trust_portal.learning.actions.receipts import step_act
from trust_portal.learning.actions.reminders import Skip, rung_times, unrecorded
from trust_portal.learning.actions.reminders_repository import record_skipped, recorded
from trust_portal.learning.actions.repository import add_step
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.learning.workplaces.repository import workplace_of
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def take_step(
    session: WriteSession,
    ledger: Ledger,
    action: PreventionAction,
    act: StepAct,
    actor: Actor,
    decision: Decision | None,
    *,
    at: datetime | None = None,
    due: date | None = None,
    known_from: datetime | None = None,
    note: str | None = None,
    evidence: str | None = None,
    sha256: str | None = None,
    successor_id: UUID | None = None,
    further: Mapping[str, Json] | None = None,
) -> PreventionAction:
    """The next step, in the caller's transaction; the action as it stands after it.

    The reminders of the date that stood until now, and that nobody was sent, are put down as skipped, and so
    are those of a new date whose time was before ``known_from``: since when it follows from what happened, or
    None where it holds from now on. What came since is sent like anything after an outage. Raises
    ``Conflict`` (ACTION_CHANGED).
    """
    now = session.clock.now()
    calendar = await reminding_calendar(session, action)
    step = Step(
        ordinal=len(action.steps) + 1,
        act=act,
        at=at or now,
        by_id=person_behind(actor),
        by=actor.name,
        receipt_id=new_id(),
        due=due,
        time_zone=None if due is None else calendar.time_zone,
        note=note,
        evidence=evidence,
        sha256=sha256,
        successor_id=successor_id,
    )
    before = action.steps[-1].receipt_id if action.steps else action.receipt_id
    digests = await receipt_digests(session, VENDOR_ID, before)
    inputs = tuple(Input(f"receipt/{id_}", digest) for id_, digest in digests.items())
    await ledger.record(
        session, step_act(action, step, actor, decision, inputs, further), receipt_id=step.receipt_id
    )
    changed = await add_step(session, action, step)
    if action.dates:
        last, stood = action.dates[-1]
        why = Skip.MOVED if act is StepAct.MOVE else Skip.ENDED
        await _skip(session, action.id, last.ordinal, stood, calendar, why, until=now)
    if due is not None:
        until = now if known_from is None else min(known_from, now)
        await _skip(session, action.id, step.ordinal, due, calendar, Skip.PAST, until=until)
    return changed


async def reminding_calendar(session: ReadSession, action: PreventionAction) -> WorkCalendar:
    """By which a due date is counted or moved, and its owner reminded: of where they work now.

    A date once set stays, and its day ends by the clock of then (``Step.time_zone``), so that no figure that was
    told changes with a move of the owner.
    """
    workplace = await workplace_of(session, action.owner_id)
    return workplace.calendar if workplace.revision else action.calendar


async def _skip(
    session: WriteSession,
    action_id: UUID,
    ordinal: int,
    due: date,
    calendar: WorkCalendar,
    why: Skip,
    *,
    until: datetime,
) -> None:
    known = await recorded(session, action_id, ordinal)
    times, now = rung_times(due, calendar), session.clock.now()
    skipped = [
        Reminder(ordinal, due, rung, times[rung], now, why, ())
        for rung in unrecorded(due, calendar, known, until)
    ]
    await record_skipped(session, action_id, skipped)
