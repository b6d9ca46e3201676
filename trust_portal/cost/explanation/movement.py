"""How far each leaf of a table moved, and how surprising that is for a leaf of its size.

A leaf is one combination of all dimensions. Its *shift* is (actual − expected) over the larger of
the two: −1 for cost that vanished, 1 for cost out of nothing, and the same for all leaves of a cause
that multiplies them ("ripple effect": Li et al., Generic and robust localization of multi-dimensional
root causes, ISSRE 2019). Forecasts of small leaves are worse than those of large ones, so the noise
is measured by size; and the causes themselves must not count as noise, so it is taken from whichever
direction is less disturbed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Noise below this is rounding, not noise; without a floor a noiseless table has no scale at all.
_LEAST_NOISE = 0.002
#: A median absolute deviation in standard deviations of a normal distribution.
_MEDIAN_OF_NORMAL = 0.6745
_LEAVES_A_BIN = 200
_BINS = 24
#: A side with less than this share of the leaves says nothing about noise.
_THIN_SIDE = 0.1
#: One leaf alone never counts for more than this (nats): no single figure settles a question.
_MOST_SURPRISE = 40.0
#: How many of the most surprising leaves of a side may be causes that were not found yet.
_UNSETTLED = 25


@dataclass(frozen=True, slots=True)
class Movement:
    """Per leaf: its ``shift`` d, the ``weight`` w = 1/σ² of it, and the ``surprise`` (nats) without a cause.

    ``first`` is w·d and ``second`` w·d²: each cuboid of a table sums them anew.
    """

    shift: Floats
    weight: Floats
    first: Floats
    second: Floats
    surprise: Floats


def shifts(expected: Floats, actual: Floats) -> tuple[Floats, Floats]:
    """The shift of each leaf, within −2…2 (signs may differ), and its size: the larger amount."""
    size = np.maximum(np.abs(expected), np.abs(actual))
    return (actual - expected) / np.where(size > 0, size, 1.0), size


def measure(
    shift: Floats, size: Floats, quiet: NDArray[np.bool_], tails: NDArray[np.bool_] | None = None
) -> Movement:
    """Weigh ``shift`` by the noise among the ``quiet`` leaves (those in no known cause).

    The leaves in ``tails`` calibrate the surprise: where their tails are longer than a normal
    distribution's, one far leaf proves less.
    """
    noise = _noise_by_size(shift[quiet], size[quiet], size)
    weight = 1.0 / noise**2
    first = weight * shift
    surprise = 0.5 * weight * shift**2
    if tails is not None:
        surprise *= _tail_calibration(surprise[tails], shift[tails])
    return Movement(shift, weight, first, first * shift, np.minimum(surprise, _MOST_SURPRISE))


def _noise_by_size(shift: Floats, size: Floats, wanted: Floats) -> Floats:
    """σ for leaves of the sizes ``wanted``, interpolated between bins.

    In logarithms of both: a fixed error on every amount is a straight line there. The smallest leaves
    differ most, so bins are narrow at that end.
    """
    order = np.argsort(size, kind="stable")
    count = len(order)
    cuts = set(range(0, count, max(_LEAVES_A_BIN, count // _BINS)))
    cuts |= {cut for power in range(8) if (cut := _LEAVES_A_BIN << power) < count // _BINS}
    parts = [part for part in np.split(order, sorted(cuts - {0})) if len(part) >= min(count, _LEAVES_A_BIN)]
    centres = [float(np.median(np.log(size[part]))) for part in parts]
    levels = [float(np.log(_noise(shift[part]))) for part in parts]
    noise: Floats = np.exp(np.interp(np.log(wanted), centres, levels))
    return noise


def _noise(shift: Floats) -> float:
    """σ around zero from the quieter direction; around the median if there is only one direction."""
    up, down = np.sort(shift[shift > 0]), np.sort(-shift[shift < 0])
    still = (len(shift) - len(up) - len(down)) / 2  # a leaf that did not move belongs half to each side
    least = max(1.0, _THIN_SIDE * len(shift))
    scales = []
    for side in (up, down):
        count = len(side) + still
        if count >= least:
            middle = int(0.5 * (count - 1) - still)
            scales.append(float(side[middle]) if middle >= 0 and len(side) else 0.0)
    if len(scales) < 2:
        ordered = np.sort(shift)
        away = np.sort(np.abs(shift - ordered[(len(ordered) - 1) // 2]))
        scales.append(float(away[(len(away) - 1) // 2]))
    return max(min(scales) / _MEDIAN_OF_NORMAL, _LEAST_NOISE)


def _tail_calibration(surprise: Floats, shift: Floats) -> float:
    """At most 1: what a normal tail would make of the far leaves, against what they are.

    Of ``n`` normal leaves about ``k`` lie further out than log(n / k) nats.
    """
    factor = 1.0
    for side in (surprise[shift > 0], surprise[shift < 0]):
        if len(side) >= _UNSETTLED * 8:
            far = float(np.partition(side, len(side) - _UNSETTLED)[len(side) - _UNSETTLED])
            factor = min(factor, float(np.log(len(side) / _UNSETTLED)) / max(far, 1e-9))
    return factor
