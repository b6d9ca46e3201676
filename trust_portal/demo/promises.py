"""Two promises that a postmortem rests on. One is kept. The other becomes overdue while the clock is moved.

At the end it is on the desk of the people who follow what was promised, who take note of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Final
from uuid import UUID

import httpx

from trust_portal.access.sign_in.personas import persona_with
from trust_portal.demo.place import Place
from trust_portal.demo.proof import Visitor
from trust_portal.errors import Unavailable
from trust_portal.kernel.actor import Role
from trust_portal.learning.actions.model import ActionType, PreventionAction, Reminder
from trust_portal.learning.actions.reminders import rung_times

_PMO: Final = Role.PMO
_TRACKER: Final = "https://tracker.meridian.invalid/"


@dataclass(frozen=True, slots=True)
class Promise:
    """``owner`` has ``term`` business days."""

    title: str
    type: ActionType
    owner: Role
    term: int
    ticket: str

    @property
    def told(self) -> str:
        days = "1 business day" if self.term == 1 else f"{self.term} business days"
        return f"{self.title}: {persona_with(self.owner).name}, {days}"


KEPT: Final = Promise(
    "Raise an alarm when an export begins anew", ActionType.DETECT, Role.FINOPS_OPERATOR, 5, "EXP-412"
)
BROKEN: Final = Promise(
    "Resume exports where they were cut off", ActionType.PREVENT, Role.SRE_OPERATOR, 1, "EXP-411"
)


class Promises:
    """``plan`` makes them; ``pass_on`` moves the clock from one day that matters to the next."""

    def __init__(self, place: Place) -> None:
        self._at = place
        self._tell = place.tell

    async def plan(self, postmortem_id: UUID) -> None:
        """Each with a person and a term, in the business days of where that person works."""
        manager = await self._at.person(Role.VENDOR_ADMIN)
        async with self._signed_in(BROKEN.owner) as visitor:
            place = {"country": "DE", "time_zone": "Europe/Berlin", "manager": str(manager.id)}
            await visitor.submit("/account/workplace", **place)
        known = {each.title for each in await self._actions(postmortem_id)}
        async with self._signed_in(Role.INCIDENT_OWNER) as visitor:
            for promise in (KEPT, BROKEN):
                if promise.title not in known:
                    await visitor.submit(
                        "/actions",
                        postmortem=str(postmortem_id),
                        title=promise.title,
                        type=promise.type.value,
                        owner=str((await self._at.person(promise.owner)).id),
                        term=str(promise.term),
                        link=f"{_TRACKER}{promise.ticket}",
                    )

    async def pass_on(self, postmortem_id: UUID) -> None:
        """Days pass; of the two promises one is kept and one is not: who is told of that, and when."""
        known = {each.title: each for each in await self._actions(postmortem_id)}
        if known[KEPT.title].is_open:
            await self._keep(known[KEPT.title])
        broken = known[BROKEN.title]
        if broken.due is None:
            raise Unavailable("the clock of what was promised has not begun", code="NO_CLOCK")
        for at in rung_times(broken.due, broken.calendar).values():
            if self._at.time.now() < at:
                self._tell.waiting(f"{at:%A, %d %B}, and it is not done")
                await self._at.time.move_to(at)
            # What the clockwork does every few seconds.
            await self._at.house.action_reminders.round()
            await self._at.time.quiet()
        reminders = await self._at.house.prevention_reader.reminders(await self._at.person(_PMO), broken.id)
        self._tell.step(
            "Overdue",
            f"“{broken.title}” was due on {broken.due:%A, %d %B}",
            f"in the business days of {broken.calendar.name}; reminded, each once:",
            *(_told(each) for each in reminders),
            url=f"{self._at.url}/actions/{broken.id}",
        )
        await self._escalated(broken, reminders)

    async def _keep(self, kept: PreventionAction) -> None:
        """Done the day after, and where that shows."""
        await self._at.time.move_to(self._at.time.now() + timedelta(days=1))
        evidence = f"{_TRACKER}{KEPT.ticket}#rehearsal"
        async with self._signed_in(KEPT.owner) as visitor:
            note = "The alarm has rung in a rehearsal"
            await visitor.submit(f"/actions/{kept.id}/finish", evidence=evidence, note=note)
        self._tell.step(
            "A promise kept",
            f"{persona_with(KEPT.owner).name}: “{kept.title}” is done",
            evidence,
            url=f"{self._at.url}/actions/{kept.id}",
        )

    async def _escalated(self, broken: PreventionAction, reminders: tuple[Reminder, ...]) -> None:
        """On the Switchboard, before the eyes of those who follow what was promised."""
        note = "Samir has two more days; nothing is ramped further before"
        async with self._signed_in(_PMO) as visitor:
            page = (await visitor.fetch("/switchboard")).decode()
            _, _, escalated = page.partition("Escalated to the PMO")
            for each in reminders:
                if each.waits_for_acknowledgement:
                    if escape(broken.title) not in escalated:
                        raise Unavailable(
                            "the Switchboard does not show what is overdue", code="NOT_ESCALATED"
                        )
                    path = f"/actions/{broken.id}/escalations/{each.ordinal}"
                    await visitor.submit(path, acknowledgement=note)
        self._tell.step(
            "Switchboard",
            f"{persona_with(_PMO).name}, of the PMO, finds it among all that is owed, and takes note:",
            f"“{note}”",
            url=f"{self._at.url}/switchboard",
        )

    async def _actions(self, postmortem_id: UUID) -> tuple[PreventionAction, ...]:
        reader = await self._at.person(Role.INCIDENT_OWNER)
        return await self._at.house.prevention_reader.of_postmortem(reader, postmortem_id)

    @asynccontextmanager
    async def _signed_in(self, role: Role) -> AsyncIterator[Visitor]:
        async with httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False) as client:
            yield await Visitor.sign_in(client, role)


def _told(reminder: Reminder) -> str:
    if reminder.skipped is not None:
        return f"{reminder.rung.value:<4} lay in the past when the date was set"
    return f"{reminder.rung.value:<4} {reminder.at:%a %d %b, %H:%M} UTC: {', '.join(reminder.told)}"
