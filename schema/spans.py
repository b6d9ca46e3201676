"""Spans of time as arguments."""

from __future__ import annotations

from datetime import timedelta

from trust_portal.errors import InvalidInput

#: Far beyond every span that a command takes, and far within what a ``timedelta`` holds.
_MOST_DAYS = 100_000


def days(count: int, field: str) -> timedelta:
    """So many days; ``InvalidInput`` at ``field`` for a number that is no span at all."""
    if abs(count) > _MOST_DAYS:
        raise InvalidInput("so many days are no span", field=field)
    return timedelta(days=count)
