"""How many prevention actions are done by the day that was agreed, whatever it was moved to since. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from trust_portal.learning.actions.model import ActionState
from trust_portal.learning.switchboard.model import ActionLine

#: What is aimed at.
TARGET: Final = Fraction(9, 10)
#: Agreed days of how far back are looked at.
WINDOW: Final = timedelta(days=90)
#: Another action counts in its place, or it was never promised.
_LEFT_OUT: Final = frozenset({ActionState.SUPERSEDED, ActionState.WITHDRAWN})


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


def completion(actions: Iterable[ActionLine], at: datetime) -> Completion:
    """Over the actions whose agreed day ended within ``WINDOW`` before ``at``."""
    start, kept, agreed = at - WINDOW, 0, 0
    for line in actions:
        if not line.dates or line.state in _LEFT_OUT:
            continue
        over_at = line.dates[0].over_at
        if start < over_at <= at:
            agreed += 1
            kept += line.state is ActionState.DONE and line.ended_at is not None and line.ended_at < over_at
    return Completion(start, at, kept, agreed)
