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
    """``sent``: somebody was told; ``escalated``: of those, others than the owner; ``skipped``: nobody was."""

    SENT = "sent"
    ESCALATED = "escalated"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ReminderFilter:
    """Which reminders; ``None`` asks for all. ``owner_id`` is the action's."""

    kind: ReminderKind | None = None
    owner_id: UUID | None = None
    action_id: UUID | None = None
