"""When what happens: settled once in a demo's folder, so that a kept one goes on with its own story."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from trust_portal.demo.scene import CUSTOMERS, last_full_month
from trust_portal.errors import InvalidInput
from trust_portal.runtime.story_clock import StoryClock

#: How far behind true time a new demo begins: what is played after the curtain has to fit in. That is a day
#: for the loop of cost, and eight business days in which nobody does what was promised, with holidays.
TIME_LAPSE: Final = timedelta(days=17)
_HISTORY: Final = timedelta(weeks=6)
_HOUR: Final = timedelta(hours=1)
_SCRIPT, _CLOCK = "demo.json", "story-clock.json"


@dataclass(frozen=True, slots=True)
class Script:
    """``month`` is the one of the SLA report. ``curtain`` is a full hour in UTC: what lies before it is
    loaded as history, what comes after it is played.
    """

    month: str
    curtain: datetime

    @property
    def usage_since(self) -> datetime:
        """Where the bills begin: a Monday, so that nobody takes the first working day for a surprise."""
        first = (self.curtain - _HISTORY).replace(hour=0)
        return first - timedelta(days=first.weekday())

    @property
    def beginning(self) -> datetime:
        """Where history begins; the month starts at one customer before it does at another."""
        return min(self.usage_since, *(customer.month(self.month).start for customer in CUSTOMERS))

    def at(self, hours: float) -> datetime:
        """So many hours after the curtain; before it where negative."""
        return self.curtain + hours * _HOUR

    def to_json(self) -> str:
        return json.dumps({"month": self.month, "curtain": self.curtain.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        told = json.loads(text)
        return cls(told["month"], datetime.fromisoformat(told["curtain"]).astimezone(UTC))


def clock_file(folder: Path) -> Path:
    return folder / _CLOCK


def settle(folder: Path) -> Script:
    """The script of the demo in ``folder``; a new one starts its clock ``TIME_LAPSE`` behind.

    Raises ``InvalidInput`` for a folder that an earlier version of the demo made.
    """
    file = folder / _SCRIPT
    if file.exists():
        try:
            return Script.from_json(file.read_text())
        except (KeyError, ValueError) as error:
            raise InvalidInput(
                f"{folder} was made by another version of the demo; name an empty or a new folder",
                field="data-dir",
            ) from error
    now = StoryClock.begin(clock_file(folder), TIME_LAPSE).now()
    script = Script(last_full_month(now), now.replace(minute=0, second=0, microsecond=0) + _HOUR)
    file.write_text(script.to_json())
    return script
