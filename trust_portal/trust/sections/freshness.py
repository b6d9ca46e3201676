"""Whether what a section says is recent enough to be said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from trust_portal.documents.formats import duration
from trust_portal.trust.sections.model import State

_AGE: Final = re.compile(r"\bit is [^,;]* old, and may be ")


def freshness(
    as_of: datetime | None, max_age: timedelta, now: datetime, *, missing: str
) -> tuple[State, str | None]:
    """The state, and why if it is not fresh. ``missing`` says what is not there where ``as_of`` is None.

    Exactly as old as allowed is fresh.
    """
    if as_of is None:
        return State.MISSING, missing
    age = now - as_of
    if age > max_age:
        return State.STALE, f"it is {duration(age)} old, and may be {duration(max_age)}"
    return State.FRESH, None


def together(causes: Iterable[tuple[State, str | None]]) -> tuple[State, str | None]:
    """The worst of the states, and in words every cause of it and of the others: what is let stand is let stand
    knowing each of them.
    """
    found = [each for each in causes if each[0].blocks]
    if not found:
        return State.FRESH, None
    worst = State.MISSING if any(state is State.MISSING for state, _ in found) else State.STALE
    return worst, "; ".join(dict.fromkeys(why for _, why in found if why is not None))


def ageless(why: str) -> str:
    """``why`` without how old it is: what only grows older says the same."""
    return _AGE.sub("it may be ", why)
