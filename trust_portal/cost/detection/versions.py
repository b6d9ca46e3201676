"""The versions of the detector this release knows. The first is installed; others may run in shadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.cost.detection.forecast import Smoothing
from trust_portal.cost.detection.forecaster import Forecaster
from trust_portal.cost.detection.method import Method
from trust_portal.cost.detection.model import DetectorName
from trust_portal.cost.detection.own_tail import OwnTail
from trust_portal.cost.detection.surprise import Betting
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Version:
    """A name and version, and the method and constants they stand for."""

    detector: DetectorName
    tuning: Tuning
    method: Method


INSTALLED_VERSION = Version(DetectorName("own-tail", "2"), Tuning(), OwnTail(Tuning()))

#: The statistical one: it stands beside the live detector on trial (``cost/anomalies/flags.py``).
FORECAST = Version(DetectorName("forecast", "2"), Tuning(), Forecaster(Smoothing(), Betting()))

VERSIONS: Mapping[str, Version] = {str(each.detector): each for each in (INSTALLED_VERSION, FORECAST)}


def version_named(name: str) -> Version:
    """``name@version``; an unknown one is refused."""
    try:
        return VERSIONS[name]
    except KeyError:
        raise InvalidInput(f"no such detector; there are: {', '.join(VERSIONS)}", field="detector") from None
