"""Reminders as the portal lists them: of all actions, each with the ways it went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from trust_portal.learning.actions.model import Reminder
from trust_portal.learning.actions.reminders import occasion
from trust_portal.notify.model import Way


@dataclass(frozen=True, slots=True)
class ToldReminder:
    """A reminder with its action, and by which ways it went."""

    action_id: UUID
    title: str
    owner_id: UUID
    owner: str
    reminder: Reminder
    ways: tuple[Way, ...] = ()

    @property
    def occasion(self) -> str:
        return occasion(self.action_id, self.reminder.ordinal, self.reminder.rung)


class ReminderKind(StrEnum):
    """``sent``: somebody was told; ``escalated``: others than the owner were, or should have been; ``waiting``: of
    those, what the PMO has not taken note of; ``skipped``: nobody was told.
    """

    SENT = "sent"
    ESCALATED = "escalated"
    WAITING = "waiting"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ReminderFilter:
    """Which reminders; ``None`` asks for all. ``owner_id`` is the action's. What waits comes the oldest first."""

    kind: ReminderKind | None = None
    owner_id: UUID | None = None
    action_id: UUID | None = None
