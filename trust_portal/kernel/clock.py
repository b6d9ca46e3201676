"""Time is an argument. Services hold a clock; calculations are handed an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that says what time it is, in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told; for tests and for the demo's time travel."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by


def rfc3339(at: datetime) -> str:
    """An instant as RFC 3339 in UTC with ``Z``; fractions only where there are any."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    text = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()
    return text.removesuffix("+00:00") + "Z"
