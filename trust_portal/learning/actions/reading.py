"""What is asked of prevention actions: who owes what by when, how it was reminded of, and what happened again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import Person
from trust_portal.access.policy import Resource
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.actions import repository
from trust_portal.learning.actions.listing_repository import actions_page, count_actions
from trust_portal.learning.actions.merging import covered_elsewhere
from trust_portal.learning.actions.model import (
    NOUN,
    ActionFilter,
    PreventionAction,
    RecurredAction,
    Recurrence,
    Reminder,
)
from trust_portal.learning.actions.recording import reminding_calendar
from trust_portal.learning.actions.recurrences_repository import recurred_actions, recurrences_of
from trust_portal.learning.actions.reminders import Rung, next_rung
from trust_portal.learning.actions.reminders_repository import (
    recorded,
    reminders_of,
    reminders_page,
    ways_of_reminders,
)
from trust_portal.learning.actions.told_reminders import ReminderFilter, ToldReminder
from trust_portal.learning.incidents.repository import find_incident
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.notify.model import Way
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_SCOPE = TenantScope(VENDOR_ID)


class PreventionReader:
    """Changes nothing. All of it is the vendor's, for who may read prevention actions."""

    def __init__(self, storage: Storage, gate: Gate) -> None:
        self._storage = storage
        self._gate = gate

    async def get(self, actor: Actor, action_id: UUID) -> PreventionAction:
        """``NotFound`` if there is no such action."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await repository.find_action(session, action_id)

    async def colleagues(self, actor: Actor) -> tuple[Person, ...]:
        """Who may own an action, by name."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await repository.colleagues(session, self._storage.clock.now())

    async def page(self, actor: Actor, wanted: ActionFilter, request: PageRequest) -> Page[PreventionAction]:
        """In the order that ``wanted`` names."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await actions_page(session, wanted, request, self._storage.clock.now())

    async def count(self, actor: Actor, wanted: ActionFilter) -> int:
        """How many ``page`` goes through."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await count_actions(session, wanted, self._storage.clock.now())

    async def of_postmortem(self, actor: Actor, postmortem_id: UUID) -> tuple[PreventionAction, ...]:
        """Everything that was ever planned in it, oldest first."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await repository.all_actions_of(session, postmortem_id)

    async def reminders(self, actor: Actor, action_id: UUID) -> tuple[Reminder, ...]:
        """Every reminder on record, in the order of their times."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await reminders_of(session, action_id)

    async def ways(
        self, actor: Actor, action_id: UUID, reminders: Sequence[Reminder]
    ) -> Mapping[tuple[int, Rung], tuple[Way, ...]]:
        """How those reminders of an action went, by due date (the ordinal of its step) and rung."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await ways_of_reminders(session, action_id, reminders)

    async def reminders_page(
        self, actor: Actor, wanted: ReminderFilter, request: PageRequest
    ) -> Page[ToldReminder]:
        """Of all actions, newest first."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await reminders_page(session, wanted, request)

    async def next_reminder(self, actor: Actor, action: PreventionAction) -> tuple[Rung, datetime] | None:
        """Which comes next and when, by the clock of where the owner works now; None where none does."""
        await self._may_read(actor)
        if not action.is_open or not action.dates:
            return None
        step, due = action.dates[-1]
        async with self._storage.read(_SCOPE) as session:
            calendar = await reminding_calendar(session, action)
            return next_rung(due, calendar, await recorded(session, action.id, step.ordinal))

    async def calendar(self, actor: Actor, action: PreventionAction) -> WorkCalendar:
        """By which its date is moved: of where the owner works now."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await reminding_calendar(session, action)

    async def recurrences(self, actor: Actor, action_id: UUID) -> tuple[Recurrence, ...]:
        """Incidents that the action should have prevented."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await recurrences_of(session, action_id)

    async def recurred(self, actor: Actor, incident_id: UUID) -> tuple[RecurredAction, ...]:
        """The actions that should have prevented an incident, in the order in which they were linked with it."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return await recurred_actions(session, incident_id)

    async def may_be_withdrawn(self, actor: Actor, action: PreventionAction) -> bool:
        """Whether nobody was promised it yet."""
        await self._may_read(actor)
        if not action.is_open or action.dates:
            return False
        async with self._storage.read(_SCOPE) as session:
            return not await repository.is_signed(session, action.postmortem_id)

    async def told_of_elsewhere(self, actor: Actor, incident_id: UUID) -> bool:
        """Whether the postmortem of what the incident goes on in tells of it, or will: nothing is planned in its own."""
        await self._may_read(actor)
        async with self._storage.read(_SCOPE) as session:
            return bool(await covered_elsewhere(session, [await find_incident(session, incident_id)]))

    async def _may_read(self, actor: Actor) -> None:
        await self._gate.require(actor, Action.PREVENTION_ACTION_READ, Resource.of_house(NOUN))
