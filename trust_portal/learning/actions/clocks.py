"""When the clock of an action begins: once its incident is resolved and its postmortem signed."""

from __future__ import annotations

import logging
from datetime import date, datetime
from uuid import UUID

from trust_portal.errors import Broken
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.clocks_repository import clocks_to_begin
from trust_portal.learning.actions.model import PreventionAction, StepAct
from trust_portal.learning.actions.recording import reminding_calendar, take_step
from trust_portal.learning.actions.repository import actions_of
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

log = logging.getLogger(__name__)

_SCOPE = TenantScope(VENDOR_ID)


async def begin_clocks(
    session: WriteSession,
    ledger: Ledger,
    postmortem_id: UUID,
    signed_at: datetime,
    resolved_at: datetime | None,
) -> tuple[PreventionAction, ...]:
    """Give every standing action of a signed postmortem its due date, in the caller's transaction.

    Nothing while the incident goes on. Again it changes nothing. The term counts from the later of the two
    moments, whenever this is called; an action that was planned after both, from when it was planned. Where
    that was told late, the reminders that came since are still to be sent.
    """
    if resolved_at is None:
        return ()
    return tuple(
        [
            await begin_clock(session, ledger, action, max(signed_at, resolved_at, action.created_at))
            for action in await actions_of(session, postmortem_id)
            if not action.steps
        ]
    )


async def begin_clock(
    session: WriteSession, ledger: Ledger, action: PreventionAction, start: datetime
) -> PreventionAction:
    """Its first due date: its term counted from ``start``, by the calendar of where its owner works now."""
    calendar = await reminding_calendar(session, action)
    return await take_step(
        session,
        ledger,
        action,
        StepAct.BEGIN,
        SYSTEM,
        None,
        due=due_by_term(calendar, action.term, start),
        known_from=start,
        further={"clock_from": rfc3339(start), "counted_by": calendar.name},
    )


def due_by_term(calendar: WorkCalendar, term: int, start: datetime) -> date:
    """``term`` business days after the day of ``start``."""
    return calendar.shift(calendar.day_of(start), term)


class ActionClocks:
    """What the signature could not begin, because the incident went on, begins once it is resolved."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger

    async def round(self) -> int:
        """How many clocks began. Safe beside others: an action has one first step.

        What goes wrong with one postmortem's actions keeps no other's from beginning; the next round tries again.
        """
        begun = 0
        async with self._storage.read(_SCOPE) as reading:
            waiting = await clocks_to_begin(reading)
        for each in waiting:
            try:
                async with self._storage.write(_SCOPE) as session:
                    begun += len(
                        await begin_clocks(session, self._ledger, each.id, each.signed_at, each.resolved_at)
                    )
            except Broken:
                raise
            except Exception:
                log.exception("the clocks of postmortem %s could not begin", each.id)
        return begun
