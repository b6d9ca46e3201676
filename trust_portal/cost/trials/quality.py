"""How good a detector's finds are, by what people said of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from trust_portal.cost.anomalies.model import Lane


@dataclass(frozen=True, slots=True)
class Judgement:
    """Finds of one detector in one tenant's subsystem, counted by what people said of them.

    A find of a detector on trial that nobody judged itself has the verdict of the live one's that it
    overlaps. ``tenant_id`` and ``subsystem`` ``None``: summed over all of them.
    """

    lane: Lane
    detector: str
    tenant_id: UUID | None
    subsystem: str | None
    real: int
    planned: int
    false: int
    unjudged: int

    @property
    def found(self) -> int:
        return self.judged + self.unjudged

    @property
    def judged(self) -> int:
        return self.real + self.planned + self.false

    @property
    def precision(self) -> Decimal | None:
        """Of those judged, the share that was not false, to three digits; ``None`` while nobody has judged.

        Planned work is a find: cost was unusual, and somebody knew why.
        """
        if not self.judged:
            return None
        return (Decimal(self.real + self.planned) / self.judged).quantize(Decimal("0.001"))


def by_detector(rows: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Summed over tenants and subsystems; the live lane first."""
    sums: dict[tuple[Lane, str], Judgement] = {}
    for each in rows:
        key = (each.lane, each.detector)
        held = sums.get(key)
        if held is None:
            sums[key] = replace(each, tenant_id=None, subsystem=None)
        else:
            sums[key] = replace(
                held,
                real=held.real + each.real,
                planned=held.planned + each.planned,
                false=held.false + each.false,
                unjudged=held.unjudged + each.unjudged,
            )
    return tuple(sums[key] for key in sorted(sums, key=lambda key: (key[0] is not Lane.LIVE, key[1])))
