"""A detector's memory, cut into series: each may be stored, and put beside any others, by itself.

The detector keeps arrays with the series last. Here one series is one row of float64, whatever
its parts are: flags as 0 and 1, instants bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trust_portal.cost.detection.detector import Detector, DetectorState
from trust_portal.cost.detection.vectors import Vector
from trust_portal.errors import Broken


def pack(state: DetectorState) -> list[bytes]:
    """One row of bytes per series, in their order."""
    rows = [_as_floats(array).reshape(-1, array.shape[-1]) for array in _arrays(state)]
    return [row.tobytes() for row in np.ascontiguousarray(np.concatenate(rows).T)]


def unpack(into: Detector, rows: Sequence[bytes | None], at: int) -> None:
    """Fill ``into``, a detector that has seen nothing, from packed rows; ``None`` leaves a series new.

    ``at``: the moment of the last step, in seconds since 1970. ``Broken`` if a row is another
    version's.
    """
    into.state.at = at
    known = [index for index, row in enumerate(rows) if row is not None]
    if not known:
        return
    try:
        table = np.array([np.frombuffer(row) for row in rows if row is not None]).T
        start = 0
        for array in _arrays(into.state):
            flat = array.reshape(-1, array.shape[-1])
            flat[:, known] = _from_floats(table[start : start + len(flat)], array.dtype)
            start += len(flat)
    except ValueError as error:
        raise Broken("a stored detector state has another shape than this version's") from error
    if start != len(table):
        raise Broken("a stored detector state has another shape than this version's")


def _arrays(part: Any) -> Iterator[NDArray[Any]]:
    """The arrays of a state, depth first, in the order of their declaration."""
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, np.ndarray):
            yield value
        elif is_dataclass(value):
            yield from _arrays(value)


def _as_floats(array: NDArray[Any]) -> Vector:
    if array.dtype == np.int64:
        return np.ascontiguousarray(array).view(np.float64)
    return array.astype(np.float64)


def _from_floats(rows: Vector, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype == np.int64:
        return np.ascontiguousarray(rows).view(np.int64)
    return rows.astype(dtype)
