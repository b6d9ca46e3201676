"""The versions of the detector this release knows. The first is installed; others may run in shadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.cost.detection.model import DetectorName
from trust_portal.cost.detection.tuning import Tuning
from trust_portal.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Version:
    """A name and version, and the constants they stand for."""

    detector: DetectorName
    tuning: Tuning


INSTALLED_VERSION = Version(DetectorName("own-tail", "1"), Tuning())

VERSIONS: Mapping[str, Version] = {str(INSTALLED_VERSION.detector): INSTALLED_VERSION}


def version_named(name: str) -> Version:
    """``name@version``; an unknown one is refused."""
    try:
        return VERSIONS[name]
    except KeyError:
        raise InvalidInput(f"no such detector; there are: {', '.join(VERSIONS)}", field="detector") from None
