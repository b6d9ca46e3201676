"""A whole series through the live detector, sample by sample, as an operator or a test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.detector import Detector
from trust_portal.cost.detection.model import Anomaly, Direction
from trust_portal.cost.detection.thresholds import INSTALLED, Limits, Thresholds
from trust_portal.cost.detection.versions import INSTALLED_VERSION, Version

#: How far back a trial on stored hours goes, in weeks; the first of them teach the baseline.
WEEKS: Final = (4, 8, 13)

Series = Sequence[tuple[datetime, float]]


def replay(
    series: Series,
    thresholds: Thresholds = INSTALLED,
    *,
    any_scale: bool = False,
    drops: bool = False,
    budget: float | None = None,
    version: Version = INSTALLED_VERSION,
    cadence: Cadence | None = None,
) -> list[Anomaly]:
    """Every anomaly of one series, in the order of detection; one still open at the end has no ``end``.

    ``series`` is in ascending order of time. The cadence is taken from it unless given; ``budget``
    is what may be spent per sample. Without ``drops`` those are looked for and not told.
    """
    detector = Detector(1, cadence or Cadence.of([at for at, _ in series]), version)
    limits = Limits.same(thresholds, 1, any_scale=any_scale)
    budgets = None if budget is None else np.array([budget])
    found: list[Anomaly] = []
    for at, value in series:
        ended = detector.step(at, np.array([value]), limits, budgets).ended
        found += [detector.anomaly(*each) for each in ended]
    found += [detector.anomaly(*each) for each in detector.open_anomalies()]
    told = [each for each in found if drops or each.direction is Direction.UP]
    return sorted(told, key=lambda each: each.detected_at)
