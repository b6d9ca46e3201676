"""How often a series is sampled, and which slot of day and week a moment falls into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from trust_portal.errors import InvalidInput

_DAY = 86_400
_MOST_SLOTS = 24


@dataclass(frozen=True, slots=True)
class Cadence:
    """The usual distance of two samples in seconds; from a minute to a day."""

    seconds: int = 3_600

    def __post_init__(self) -> None:
        if not 60 <= self.seconds <= _DAY:
            raise InvalidInput("a series is sampled between once a minute and once a day", field="interval")

    @classmethod
    def of(cls, times: Sequence[datetime]) -> Cadence:
        """The median distance of ascending ``times``; fewer than two samples count as hourly."""
        gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
        return cls(round(median(gaps))) if gaps else cls()

    @property
    def per_day(self) -> float:
        """Samples per day, at least 1."""
        return _DAY / self.seconds

    @property
    def slots(self) -> int:
        """Slots per day: the hours, or fewer where samples are rarer than that."""
        return max(1, min(_MOST_SLOTS, int(self.per_day)))

    @property
    def per_slot(self) -> float:
        """Samples a slot of one day sees."""
        return self.per_day / self.slots

    def samples(self, *, days: float, at_least: float = 1) -> float:
        """``days`` as a number of samples, but no fewer than ``at_least``."""
        return max(days * self.per_day, at_least)

    def slot(self, at: datetime) -> tuple[int, int]:
        """(slot of day, slot of week) of a moment, in UTC; Monday 00:00 is slot 0 of the week."""
        moment = at.astimezone(UTC) if at.tzinfo else at
        second = moment.hour * 3_600 + moment.minute * 60 + moment.second
        slot = second * self.slots // _DAY
        return slot, moment.weekday() * self.slots + slot
