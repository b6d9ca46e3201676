"""What a sighting makes of an anomaly: opened, followed, merged, refigured. Pure.

What came late changes the figures of an anomaly and never how many there are: a sighting that
overlaps a known anomaly of its series *is* that anomaly.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from trust_portal.cost.anomalies.model import AnomalyState, CostAnomaly, Figures, Lane
from trust_portal.cost.anomalies.watching import Sighting
from trust_portal.cost.detection.model import Direction

_NOTHING = Figures(Decimal(0), Decimal(0))


def is_of(anomaly: CostAnomaly, sighting: Sighting) -> bool:
    """Whether both are of the same series and direction and share an hour."""
    return (
        anomaly.series == sighting.series
        and anomaly.direction is sighting.anomaly.direction
        and sighting.anomaly.start <= anomaly.last_at
        and anomaly.started_at <= sighting.last
    )


def opened(
    sighting: Sighting,
    figures: Figures,
    now: datetime,
    *,
    id: UUID,
    tenant_id: UUID,
    lane: Lane,
    evidence: dict[str, Any],
    suppression_id: UUID | None,
) -> CostAnomaly:
    """An anomaly that nobody knew of: all of its excess is unexplained."""
    found = sighting.anomaly
    return CostAnomaly(
        id=id,
        tenant_id=tenant_id,
        lane=lane,
        series=sighting.series,
        direction=found.direction,
        kind=found.reason,
        state=AnomalyState.OPEN,
        severity=found.severity,
        score=found.score,
        confidence=found.confidence,
        started_at=found.start,
        peak_at=found.peak,
        last_at=sighting.last,
        detected_at=found.detected_at,
        figures=figures,
        unexplained=_all_of_it(found.direction, figures),
        detector=found.detector.name,
        detector_version=found.detector.version,
        evidence=evidence,
        suppression_id=suppression_id,
        verdict=None,
        revision=1,
        opened_receipt_id=None,
        closed_receipt_id=None,
        explained_receipt_id=None,
        opened_at=now,
        explained_at=None,
        first_explained_at=None,
        closed_at=None,
        changed_at=now,
    )


def followed(anomaly: CostAnomaly, sighting: Sighting, *, again: bool) -> CostAnomaly:
    """The anomaly as it was sighted now, its figures aside.

    What was seen before the run began is not forgotten; what the run saw replaces the rest. ``again``:
    another sighting of this run belongs to the same anomaly, so it holds both.
    """
    found = sighting.anomaly
    louder = not again or found.score >= anomaly.score
    return replace(
        anomaly,
        state=AnomalyState.CLOSED if sighting.ended else AnomalyState.OPEN,
        started_at=min(anomaly.started_at, found.start),
        last_at=max(anomaly.last_at, sighting.last) if again or anomaly.is_open else sighting.last,
        peak_at=found.peak if louder else anomaly.peak_at,
        score=found.score if louder else anomaly.score,
        confidence=found.confidence if louder else anomaly.confidence,
        severity=found.severity if louder else anomaly.severity,
    )


def merged(anomaly: CostAnomaly, into: CostAnomaly) -> CostAnomaly:
    """Two anomalies turned out to be one: the figures of this one are counted there."""
    return replace(
        anomaly, evidence={**anomaly.evidence, "merged_into": str(into.id)}, state=AnomalyState.CLOSED
    )


def refigured(before: CostAnomaly, changed: CostAnomaly, figures: Figures, now: datetime) -> CostAnomaly:
    """``changed`` with what its hours come to now, as the next revision; ``before`` where nothing moved.

    What was explained of it stays explained; the rest of the new excess is not, yet.
    """
    if "merged_into" in changed.evidence:
        figures = _NOTHING
    if before.explained_at is None:
        unexplained = _all_of_it(changed.direction, figures)
    else:  # of a rise below zero where causes account for more than the excess, and the rest fell short
        unexplained = figures.excess - (before.figures.excess - before.unexplained)
    changed = replace(changed, figures=figures, unexplained=unexplained)
    if changed == before:
        return before
    closed_at = None if changed.is_open else (before.closed_at or now)
    return replace(changed, revision=before.revision + 1, changed_at=now, closed_at=closed_at)


def _all_of_it(direction: Direction, figures: Figures) -> Decimal:
    """The excess, and nothing where late usage has turned it round."""
    bound = max if direction is Direction.UP else min
    return bound(figures.excess, Decimal(0))
