"""Until when a credit can be claimed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from trust_portal.kernel.period import parse_period, zone
from trust_portal.reliability.contracts.model import Sla


def claim_deadline(slas: Sequence[Sla], label: str, signed_at: datetime) -> datetime | None:
    """The first instant at which a claim is late; ``None`` where no contributing promise sets a window.

    Of the promises that contribute the shortest window holds, as do the smallest cap and the largest
    minimum. It is counted in whole days of the promise's time zone, and begins with the day after the
    period's end or after the signing of the report, whichever is later: nobody can claim what was not
    reported. A period ends at midnight, so its first day is the first one counted.
    """
    ends = [
        _after(max(parse_period(label, sla.time_zone).end, signed_at), sla.time_zone, sla.claim_window_days)
        for sla in slas
        if sla.claim_window_days is not None
    ]
    return min(ends, default=None)


def _after(begins: datetime, time_zone: str, days: int) -> datetime:
    local = zone(time_zone)
    day = begins.astimezone(local)
    midnight = datetime(day.year, day.month, day.day, tzinfo=local)
    whole = (
        midnight.date()
        if midnight.astimezone(UTC) == begins.astimezone(UTC)
        else midnight.date() + timedelta(1)
    )
    last = whole + timedelta(days=days)
    return datetime(last.year, last.month, last.day, tzinfo=local).astimezone(UTC)
