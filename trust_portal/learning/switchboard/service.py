"""The Switchboard as people use it: looked at, narrowed, kept as a view; and escalations taken note of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import holders
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.names import require_words
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.actions.model import PreventionAction, Reminder
from trust_portal.learning.actions.receipts import acknowledged_act
from trust_portal.learning.actions.reminders_repository import (
    acknowledge,
    count_waiting,
    reminders_of,
    reminders_page,
)
from trust_portal.learning.actions.repository import actions_by_id, find_action, owners_before
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind
from trust_portal.learning.switchboard.board import Board, board
from trust_portal.learning.switchboard.coverage import Ledger as CoverageLedger
from trust_portal.learning.switchboard.model import EVERYTHING, NOUN, BoardFilter, SavedView
from trust_portal.learning.switchboard.repository import read_ledger, read_lines
from trust_portal.learning.switchboard.views_repository import forget_view, keep_view, views_of
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_SCOPE = TenantScope(VENDOR_ID)


@dataclass(frozen=True, slots=True)
class Escalation:
    """An overdue action that the PMO was told of, and nobody took note of yet; replaced meanwhile, or open."""

    action: PreventionAction
    reminder: Reminder


@dataclass(frozen=True, slots=True)
class Noting:
    """Of some actions, by id: of which the actor ``may`` take note, and which are their ``own``, with the names of
    those of the PMO who may.
    """

    may: frozenset[UUID] = frozenset()
    own: Mapping[UUID, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AcknowledgeEscalation:
    """Command: what was escalated of the due date ``ordinal`` is taken note of; ``note`` says what is done."""

    action_id: UUID
    ordinal: int
    note: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", require_words(self.note, "note"))


class Switchboard:
    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    async def board(self, actor: Actor, wanted: BoardFilter) -> Board:
        """As it stands now, all of it at one moment. Of what was signed long ago its ledger has the number alone."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE, snapshot=True) as session:
            now = self._storage.clock.now()
            lines = await read_lines(session, now, wanted)
        return await asyncio.to_thread(board, lines, wanted, now)

    async def coverage(
        self, actor: Actor, wanted: BoardFilter = EVERYTHING
    ) -> tuple[CoverageLedger, datetime]:
        """The coverage ledger of what ``wanted`` keeps, from the first incident on, and the moment it is of."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE, snapshot=True) as session:
            return (await read_ledger(session)).kept(wanted), self._storage.clock.now()

    async def late_postmortems(self, actor: Actor, wanted: BoardFilter) -> frozenset[UUID]:
        """The incidents whose postmortem is owed, not signed with all that was told, and overdue."""
        owed = (await self.board(actor, wanted)).debt.addends
        return frozenset(each.id for each in owed if each.owed.is_unsigned and each.late)

    async def escalations(self, actor: Actor, request: PageRequest) -> Page[Escalation]:
        """Those that wait, the oldest first."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            waiting = await reminders_page(session, ReminderFilter(ReminderKind.WAITING), request)
            actions = await actions_by_id(session, {each.action_id for each in waiting.items})
        items = tuple(Escalation(actions[each.action_id], each.reminder) for each in waiting.items)
        return Page(items, waiting.cursors, waiting.has_next, waiting.has_previous)

    async def count_escalations(self, actor: Actor) -> int:
        """How many wait."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await count_waiting(session)

    async def noting(self, actor: Actor, action_ids: Iterable[UUID]) -> Noting:
        """As ``acknowledge`` would have it now: nothing for whoever may not at all."""
        wanted = frozenset(action_ids)
        if not self._gate.allows(actor, Action.ESCALATION_ACKNOWLEDGE, Resource.of_house("escalation")):
            return Noting()
        async with self._storage.read(_SCOPE) as session:
            now = self._storage.clock.now()
            own = {
                id_: others
                for id_, action in (await actions_by_id(session, wanted)).items()
                if (others := await _others_than(session, person_behind(actor), action, now))
            }
        return Noting(wanted - own.keys(), own)

    async def acknowledge(self, command: AcknowledgeEscalation, actor: Actor) -> None:
        """``NotFound`` where nothing was escalated; ``Conflict``: ALREADY_ACKNOWLEDGED; OWN_ACTION where the actor
        owes it, or owed what it took the place of, and somebody of the PMO does not.
        """
        resource = Resource.of_house("escalation", command.action_id)
        decision = await self._gate.require(actor, Action.ESCALATION_ACKNOWLEDGE, resource)
        async with self._storage.write(_SCOPE) as session:
            action = await find_action(session, command.action_id)
            escalations = [
                each
                for each in await reminders_of(session, action.id)
                if each.ordinal == command.ordinal and each.is_escalation
            ]
            if not escalations:
                raise NotFound("escalation")
            waiting = [each for each in escalations if each.waits_for_acknowledgement]
            if not waiting:
                raise Conflict("somebody took note of this escalation already", code="ALREADY_ACKNOWLEDGED")
            if others := await _others_than(session, person_behind(actor), action, session.clock.now()):
                raise Conflict(
                    f"nobody takes note of what they owe themselves, or owed before it was replaced; {' or '.join(others)} may",
                    code="OWN_ACTION",
                )
            for escalation in waiting:
                receipt_id = new_id()
                act = acknowledged_act(action, actor, decision, session.clock.now(), escalation, command.note)
                await self._ledger.record(session, act, receipt_id=receipt_id)
                await acknowledge(
                    session,
                    action.id,
                    escalation,
                    command.note,
                    by_id=person_behind(actor),
                    by=actor.name,
                    receipt_id=receipt_id,
                )

    async def views(self, actor: Actor) -> tuple[SavedView, ...]:
        """One's own, by name."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await views_of(session, person_behind(actor))

    async def keep_view(self, actor: Actor, view: SavedView) -> None:
        """One of the same name is replaced. A choice of one's own, hence without a receipt."""
        await self._may_read(actor)
        async with self._storage.write(_SCOPE) as session:
            await keep_view(session, person_behind(actor), view)

    async def forget_view(self, actor: Actor, name: str) -> None:
        await self._may_read(actor)
        async with self._storage.write(_SCOPE) as session:
            await forget_view(session, person_behind(actor), name)

    async def _may_read(self, actor: Actor) -> None:
        await self._gate.require(actor, Action.SWITCHBOARD_READ, Resource.of_house(NOUN))


async def _others_than(
    session: ReadSession, person_id: UUID, action: PreventionAction, at: datetime
) -> tuple[str, ...]:
    """Who of the PMO takes note in the place of ``person_id``, by name; none where they may themselves.

    Nobody takes note of what they own, or owned before it was replaced. Where all of the PMO do, it would wait for ever.
    """
    owing = {action.owner_id}
    if action.replaces is not None:
        owing |= await owners_before(session, action)
    if person_id not in owing:
        return ()
    held = await holders(session, VENDOR_ID, (Role.PMO,), (), at)
    return tuple(sorted(each.name for each in held if each.id not in owing))
