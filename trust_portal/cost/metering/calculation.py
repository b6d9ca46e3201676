"""Usage summed up to the hour and to what can explain it. Pure, exact, in any order the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from trust_portal.cost.metering.model import HourCost, Part, Series, Used
from trust_portal.kernel.canonical import canonical

HOUR = timedelta(hours=1)

_Dimensions = tuple[datetime, Series, str, str, str, str | None, str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Sum:
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    events: int = 0
    parts: list[_Dimensions] = field(default_factory=list)


def sum_up(
    totals: Iterable[Used], subsystem: str, labels: Collection[str]
) -> tuple[tuple[HourCost, ...], tuple[Part, ...]]:
    """The hours and the parts of one subsystem's usage; of the labels only ``labels`` are kept."""
    hours: dict[tuple[datetime, Series], _Sum] = {}
    parts: dict[_Dimensions, _Sum] = {}
    for each in totals:
        series = Series(subsystem, each.currency)
        kept = tuple(sorted((name, value) for name, value in each.labels.items() if name in labels))
        dimensions = (
            each.hour, series, each.resource, each.operation, each.region, each.adapter, each.unit, kept,
        )  # fmt: skip
        for sums in (
            hours.setdefault((each.hour, series), _Sum()),
            parts.setdefault(dimensions, _Sum()),
        ):
            sums.quantity += each.quantity
            sums.cost += each.cost
            sums.events += each.events
    return (
        tuple(HourCost(hour, series, sums.cost, sums.events) for (hour, series), sums in hours.items()),
        tuple(
            Part(*dimensions[:7], dict(dimensions[7]), sums.quantity, sums.cost, sums.events)
            for dimensions, sums in parts.items()
        ),
    )


def part_key(part: Part) -> bytes:
    """16 bytes that stand for a part's dimensions within its hour and series."""
    dimensions = [part.resource, part.operation, part.region, part.adapter, part.unit, dict(part.labels)]
    return sha256(canonical(dimensions)).digest()[:16]


def runs(hours: Collection[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Hours as half-open spans of consecutive ones, ascending."""
    start = end = None
    for hour in sorted(hours):
        if start is None or end is None:
            start = hour
        elif hour != end:
            yield start, end
            start = hour
        end = hour + HOUR
    if start is not None and end is not None:
        yield start, end


def hour_of(at: datetime) -> datetime:
    """The start of the hour that ``at`` (UTC) lies in."""
    return at.replace(minute=0, second=0, microsecond=0)
