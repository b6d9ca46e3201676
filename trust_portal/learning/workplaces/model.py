"""Where somebody works and whom they report to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.learning.workplaces.calendar import ANYWHERE, WorkCalendar

NOUN: Final = "workplace"


@dataclass(frozen=True, slots=True)
class Workplace:
    """``revision`` 0: nobody has said anything yet, so Monday to Friday in UTC, and no manager."""

    person_id: UUID
    calendar: WorkCalendar = ANYWHERE
    manager_id: UUID | None = None
    revision: int = 0
    at: datetime | None = None
    receipt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SetWorkplace:
    """Command: from now on. Due dates that stand already stay as they were agreed."""

    person_id: UUID
    calendar: WorkCalendar
    manager_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.manager_id == self.person_id:
            raise InvalidInput("nobody reports to themselves", field="manager")
