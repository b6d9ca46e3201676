"""How many prevention actions are done by the day that was agreed, whatever it was moved to since. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from trust_portal.learning.switchboard.model import AgreedDay

#: What is aimed at.
TARGET: Final = Fraction(9, 10)
#: Agreed days of how far back are looked at.
WINDOW: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Completion:
    """``kept`` of ``agreed`` actions were done by the end of the agreed day. A dropped one was not done."""

    start: datetime
    end: datetime
    kept: int
    agreed: int

    @property
    def rate(self) -> Fraction | None:
        """None where nothing was agreed for the time."""
        return Fraction(self.kept, self.agreed) if self.agreed else None

    @property
    def on_target(self) -> bool:
        return self.rate is None or self.rate >= TARGET


def completion(days: Iterable[AgreedDay], at: datetime) -> Completion:
    """Over the actions whose agreed day ended within ``WINDOW`` before ``at``."""
    start, kept, agreed = at - WINDOW, 0, 0
    for day in days:
        if start < day.over_at <= at:
            agreed += day.agreed
            kept += sum(ended_at < day.over_at for ended_at in day.done)
    return Completion(start, at, kept, agreed)
