"""How a version of the detector tells usual from unusual. All else (episodes, drift, budget) is shared.

A method forecasts, says how far a sample lies outside of what it calls usual, and learns. It keeps no
state of its own: that is a dataclass of arrays (or of such dataclasses), series last, which the
detector carries, packs and restores without knowing what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.vectors import Flags, Slots, Vector


@dataclass(frozen=True, slots=True)
class Moment:
    """One sample of each of N series. ``values`` are finite: where there is no sample, a stand-in."""

    slots: Slots
    values: Vector
    present: Flags
    seen: Vector  #: samples before this one
    cadence: Cadence


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a method makes of one moment, before it has learned from it. ``(N,)`` each but ``ratios``.

    ``ratios``: how far dearer (row 0) and cheaper (row 1) than usual, 1 being the level of an alarm.
    """

    expected: Vector  #: of this sample; robust, so what rare bursts cost on average is not in it
    bias: Vector  #: what rare bursts cost on average: ``expected`` + ``bias`` adds up to the money
    reach: Vector  #: how far from ``expected`` a sample may pull what is learned
    scale: Vector  #: how far off ordinary samples of the series are
    usual: Vector  #: mean of the samples outside anomalies
    ratios: Vector
    detail: Any  #: for the method's own learning


class Method(Protocol):
    """Implementations are values: equal constants, equal method."""

    def blank(self, series: int, cadence: Cadence) -> Any:
        """The state of series that nothing is known of."""

    def stand_in(self, state: Any) -> Vector:
        """What takes the place of a sample that is missing; it teaches nothing."""

    def expect(self, state: Any, moment: Moment) -> Vector:
        """What each sample is expected to be, ``bias`` included. The state does not change."""

    def judge(self, state: Any, moment: Moment) -> Opinion:
        """How unusual each sample is. What a method must note to judge the next one, it notes here."""

    def learn(self, state: Any, moment: Moment, opinion: Opinion, weight: Vector, ordinary: Flags) -> None:
        """Take the samples in. ``weight``: 0 without a sample, less than 1 while an episode is open;
        ``ordinary``: not part of an anomaly.
        """
