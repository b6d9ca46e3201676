"""Measurements out of a binary COPY: minute, arrival, total, good, and two arrays where there are buckets.

Rows that are built alike (no buckets, or buckets of the same bounds) have the same width and differ
in their numbers only. So a run of them is a matrix already and is taken over as such, without an
object per value; what a row looks like is read once per run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_HEADER_BYTES: Final = 19
_TRAILER_BYTES: Final = 2
_FIRST_NUMBERS: Final = (6, 18, 30, 42)
_BOUNDS_AT: Final = 50
_ARRAY_HEADER_BYTES: Final = 20
_length: Final = Struct(">i").unpack_from


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one shape; ``buckets`` by bound. Instants are microseconds since 2000-01-01 UTC."""

    minute: Integers
    received_at: Integers
    total: Integers
    good: Integers
    buckets: dict[str, Integers]


def runs(copied: bytes) -> Iterator[Run]:
    """The rows of ``copied`` (minute, received_at, total, good, bounds, counts), as few runs as follow."""
    at, end = _HEADER_BYTES, len(copied) - _TRAILER_BYTES
    expected = end
    while at < end:
        bounds, width, numbers = _shape(copied, at)
        # Looking twice as far as the last run went keeps a mixture from being compared again and again.
        rows = max(1, min((end - at) // width, expected))
        layout, between = _layout(width, numbers)
        table = np.frombuffer(copied, layout, rows, at)
        alike = min(_alike(table[each]) for each in between)
        columns = [table[str(number)][:alike].astype(np.int64) for number in numbers]
        minute, received_at, total, good, *counts = columns
        yield Run(minute, received_at, total, good, dict(zip(bounds, counts, strict=True)))
        at += alike * width
        expected = 2 * alike


def _shape(copied: bytes, at: int) -> tuple[list[str], int, list[int]]:
    """Bounds, width and where the numbers are of the row at ``at``."""
    numbers = list(_FIRST_NUMBERS)
    position = at + _BOUNDS_AT
    (size,) = _length(copied, position)
    position += 4
    if size < 0:  # no bounds, no counts: two nulls
        return [], position + 4 - at, numbers
    bounds = _texts(copied[position : position + size])
    position += size
    (size,) = _length(copied, position)
    position += 4
    numbers += [position + _ARRAY_HEADER_BYTES + 4 + 12 * index - at for index in range(len(bounds))]
    return bounds, position + size - at, numbers


def _texts(array: bytes) -> list[str]:
    texts, position = [], _ARRAY_HEADER_BYTES
    while position < len(array):
        (size,) = _length(array, position)
        position += 4
        texts.append(array[position : position + size].decode())
        position += size
    return texts


def _layout(width: int, numbers: list[int]) -> tuple[np.dtype[np.void], list[str]]:
    """A row as numpy sees it: the numbers, each named by where it is, and the bytes between them.

    Also the names of those between, by which rows are told apart.
    """
    edges = [0, *(edge for number in numbers for edge in (number, number + 8)), width]
    gaps = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
    between = [f"{start}-{end}" for start, end in gaps]
    layout = np.dtype(
        {
            "names": [*map(str, numbers), *between],
            "formats": [*(">i8" for _ in numbers), *(f"V{end - start}" for start, end in gaps)],
            "offsets": [*numbers, *(start for start, _ in gaps)],
            "itemsize": width,
        }
    )
    return layout, between


def _alike(column: NDArray[np.void]) -> int:
    """How many of the first rows equal the very first in these bytes."""
    other = np.flatnonzero(column != column[0])
    return int(other[0]) if len(other) else len(column)
