"""The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, section II; standard profile).

Each labelled window is worth at most one: the earlier in it the first detection, the more. One that is missed costs
one, and each detection outside of all windows up to 0.11, the less the sooner it follows a window. Detections
of the first 15 % of a file (at most 750 samples) are not judged. 0 is the score of who says nothing, 100 of who finds
every window at its first sample and says nothing else.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_FALSE_POSITIVE: Final = 0.11
_PROBATION, _LONGEST_PROBATION = 0.15, 750
#: In window lengths: a detection so long after a window has nothing to do with it.
_FAR: Final = 3.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """One file: the times of its samples, ascending, and its windows, first and last moment included."""

    times: Sequence[datetime]
    windows: Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Score:
    """Over all files. ``false_positives``: judged detections outside of all windows."""

    score: float
    windows: int
    found: int
    false_positives: int


def nab_score(files: Mapping[str, Labelled], detections: Mapping[str, Iterable[datetime]]) -> Score:
    """``detections``: by file, moments of samples; others count for nothing."""
    gained = 0.0
    windows = found = false = 0
    for name, file in files.items():
        here, hit, missed = _of_file(file, detections.get(name, ()))
        gained += here
        windows += len(file.windows)
        found += hit
        false += missed
    # Who says nothing has -1 for each window, who finds each at once +1.
    return Score(100 * (gained + windows) / (2 * windows), windows, found, false)


def _of_file(file: Labelled, detections: Iterable[datetime]) -> tuple[float, int, int]:
    place = {time: number for number, time in enumerate(file.times)}
    windows = [
        (bisect_left(file.times, first), bisect_right(file.times, last) - 1) for first, last in file.windows
    ]
    probation = int(min(_PROBATION * len(file.times), _LONGEST_PROBATION))
    first_hits: dict[int, float] = {}
    gained, false = 0.0, 0
    for at in sorted(place[each] for each in detections if each in place):
        if at < probation:
            continue
        inside = next((n for n, (first, last) in enumerate(windows) if first <= at <= last), None)
        if inside is None:
            gained -= _FALSE_POSITIVE * _blame(at, windows)
            false += 1
        elif inside not in first_hits:
            first, last = windows[inside]
            first_hits[inside] = _curve(-(last - at + 1) / (last - first + 1)) / _curve(-1.0)
    gained += sum(first_hits.values()) - (len(windows) - len(first_hits))
    return gained, len(first_hits), false


def _blame(at: int, windows: Sequence[tuple[int, int]]) -> float:
    """0 right after a window, 1 far from all of them."""
    before = [(first, last) for first, last in windows if last < at]
    if not before:
        return 1.0
    first, last = before[-1]
    distance = (at - last) / (last - first) if last > first else _FAR + 1
    return 1.0 if distance > _FAR else -_curve(distance)


def _curve(position: float) -> float:
    """NAB's scaled sigmoid: nearly 1 a window before the end of one, 0 at its end, nearly -1 behind it."""
    return 2 / (1 + math.exp(5 * position)) - 1
