"""Whether the cost loop works, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from trust_portal.cost.anomalies.model import Verdict

#: What is looked at, and the baseline before it.
WINDOW = timedelta(weeks=4)
#: An anomaly opened longer than this after the hour that revealed it was found in history that was brought in.
LIVE_WITHIN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Episode:
    """What figures need of an anomaly. Hours by their start; ``unexplained`` in ``currency``.

    ``recovered_at``: from when on the data show that a playbook brought cost down. Of a drop nothing is
    unexplained *spend*, and there is nothing to recover from.
    """

    currency: str
    unexplained: Decimal
    started_at: datetime
    last_at: datetime
    detected_at: datetime
    opened_at: datetime
    first_explained_at: datetime | None
    is_open: bool
    verdict: Verdict | None
    recovered_at: datetime | None = None
    is_drop: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it was found as it happened, rather than in history brought in later."""
        return self.opened_at - self.detected_at <= LIVE_WITHIN


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Unexplained spend of the last four weeks and of the four before, in major units.

    ``change`` is -0.5 when it has halved; ``None`` where the baseline is nothing.
    """

    current: Decimal
    baseline: Decimal
    change: Decimal | None


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: of how many anomalies, in the median and on average."""

    count: int
    median: timedelta | None
    mean: timedelta | None


@dataclass(frozen=True, slots=True)
class CostKpis:
    """The four weeks up to ``at``, against the four before.

    ``false_positives`` of ``judged``: anomalies that people called false, of those with feedback.
    """

    at: datetime
    anomalies: int
    open: int
    unexplained: Mapping[str, Unexplained]
    to_detect: Durations
    to_explain: Durations
    to_recover: Durations
    judged: int
    false_positives: int

    @property
    def start(self) -> datetime:
        """Of the four weeks."""
        return self.at - WINDOW

    @property
    def before(self) -> datetime:
        """The start of the four weeks before those."""
        return self.at - 2 * WINDOW

    @property
    def false_positive_rate(self) -> Decimal | None:
        """To three digits; ``None`` while nobody has judged."""
        if not self.judged:
            return None
        return (Decimal(self.false_positives) / self.judged).quantize(Decimal("0.001"))
