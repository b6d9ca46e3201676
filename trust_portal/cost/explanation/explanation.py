"""What is known about why an anomaly happened. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.cost.anomalies.model import CostAnomaly, HourPoint
from trust_portal.cost.explanation.drivers import Driver
from trust_portal.cost.explanation.evidence import Candidate, Link
from trust_portal.cost.explanation.model import Attribution, Table
from trust_portal.cost.metering.model import PlaceCost

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known about why an anomaly happened.

    ``comparable`` are the starts of the spans that say how cost used to split; each is as long as the
    anomaly. ``window`` and ``before`` are what it and they are made of, summed up. A cause or driver opens
    its events with ``origins`` and its ``where`` (a driver's is its one dimension and value); a link by its
    reference. ``table`` is what causes and drivers are of.
    """

    anomaly: CostAnomaly
    table: Table
    attribution: Attribution
    drivers: tuple[Driver, ...]
    links: tuple[Link, ...]
    candidates: tuple[Candidate, ...]
    timeline: tuple[HourPoint, ...]
    comparable: tuple[datetime, ...]
    window: tuple[PlaceCost, ...]
    before: tuple[PlaceCost, ...]

    @property
    def end(self) -> datetime:
        """The end of the anomaly's last hour so far."""
        return self.anomaly.last_at + _HOUR
