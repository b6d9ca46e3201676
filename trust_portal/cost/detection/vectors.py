"""The few array words of this package. The series are always the last axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]
Instants = NDArray[np.int64]  #: seconds since 1970 UTC; ``NEVER`` where there is none

NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Slots:
    """Slot of day and of week of the moment of a step."""

    day: int
    week: int


def rate(samples: float) -> float:
    """The weight of the newest sample in a mean that forgets over ``samples``."""
    return 1.0 - math.exp(-1.0 / samples)
