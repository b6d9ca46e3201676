"""What two detectors found in the same hours: both, only the one, only the other, with the money. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from trust_portal.cost.detection.model import Direction
from trust_portal.cost.metering.model import Series


@dataclass(frozen=True, slots=True)
class Find:
    """An anomaly as a comparison needs it: whose, which hours (by their start), how much too much.

    ``anomaly_id`` where it is on record; a back-test's finds are not.
    """

    tenant_id: UUID
    series: Series
    direction: Direction
    started_at: datetime
    last_at: datetime
    excess: Decimal
    anomaly_id: UUID | None = None

    def overlaps(self, other: Find) -> bool:
        """Same series and direction, and an hour in common."""
        return (
            (self.tenant_id, self.series, self.direction) == (other.tenant_id, other.series, other.direction)
            and self.started_at <= other.last_at
            and other.started_at <= self.last_at
        )


@dataclass(frozen=True, slots=True)
class Sum:
    """How many anomalies, and what their excess comes to by currency."""

    anomalies: int
    excess: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``both``: finds of the live detector that the other one found too, each with the other's first."""

    live: tuple[Find, ...]
    shadow: tuple[Find, ...]
    both: tuple[tuple[Find, Find], ...]
    only_live: tuple[Find, ...]
    only_shadow: tuple[Find, ...]

    def sums(self) -> Mapping[str, Sum]:
        """By whose finds they are; what both found counts with the live detector's figures."""
        return {
            "live": summed(self.live),
            "shadow": summed(self.shadow),
            "both": summed([each for each, _ in self.both]),
            "only_live": summed(self.only_live),
            "only_shadow": summed(self.only_shadow),
        }


def compare(live: Iterable[Find], shadow: Iterable[Find]) -> Comparison:
    """Two finds are of the same thing when they overlap; several may overlap one."""
    ours, theirs = tuple(live), tuple(shadow)
    both: list[tuple[Find, Find]] = []
    only_live: list[Find] = []
    met: set[int] = set()
    places: dict[tuple[UUID, Series], list[tuple[int, Find]]] = {}
    for number, each in enumerate(theirs):
        places.setdefault((each.tenant_id, each.series), []).append((number, each))
    for each in ours:
        others = [
            (number, other)
            for number, other in places.get((each.tenant_id, each.series), ())
            if each.overlaps(other)
        ]
        met |= {number for number, _ in others}
        if others:
            both.append((each, others[0][1]))
        else:
            only_live.append(each)
    only_shadow = tuple(each for number, each in enumerate(theirs) if number not in met)
    return Comparison(ours, theirs, tuple(both), tuple(only_live), only_shadow)


def summed(finds: Sequence[Find]) -> Sum:
    excess: dict[str, Decimal] = {}
    for each in finds:
        excess[each.series.currency] = excess.get(each.series.currency, Decimal(0)) + each.excess
    return Sum(len(finds), dict(sorted(excess.items())))
