"""How long people take: a stated model, so that nobody's speed flatters the product.

An operator looks half an hour after something waits for one, Monday to Friday from 08:00 to 18:00 UTC; what
waits outside of these hours is looked at half an hour into the next of such days. A look is everything
that a person does at once: reading the explanation, asking for a run, approving it, or lifting a throttle
that is not needed any more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

_OPENS, _CLOSES = timedelta(hours=8), timedelta(hours=18)
_RESPONSE = timedelta(minutes=30)
_DAY = timedelta(days=1)


def looks_at(since: datetime) -> datetime:
    """When somebody looks at what waits since ``since`` (UTC)."""
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        look = max(since, day + _OPENS) + _RESPONSE
        if day.weekday() < 5 and look <= day + _CLOSES:
            return look
        day += _DAY
        since = day


def always_on_call(since: datetime) -> datetime:
    """Somebody is on call around the clock, and needs an hour."""
    return since + timedelta(hours=1)
