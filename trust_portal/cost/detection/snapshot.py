"""The detector's memory as bytes, and back: what is stored between the hours, and replayed from.

A late or corrected sample is handled by restoring the last snapshot before it and stepping again.
"""

from __future__ import annotations

import io
import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from trust_portal.cost.detection.cadence import Cadence
from trust_portal.cost.detection.detector import Detector, blank_state
from trust_portal.cost.detection.versions import version_named
from trust_portal.errors import InvalidInput

_FORMAT = 1


def take(detector: Detector) -> bytes:
    """Everything the detector knows; equal states give equal bytes."""
    header = {
        "format": _FORMAT,
        "detector": str(detector.version.detector),
        "cadence": detector.cadence.seconds,
        "series": detector.series,
        "at": detector.state.at,
    }
    file = io.BytesIO()
    file.write(json.dumps(header, sort_keys=True).encode() + b"\n")
    for _, _, array in _arrays(detector.state):
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def restore(data: bytes) -> Detector:
    """A detector that goes on where the snapshot was taken; refuses what is not one of ours."""
    file = io.BytesIO(data)
    try:
        header = json.loads(file.readline())
        if header["format"] != _FORMAT:
            raise InvalidInput("another format", field="snapshot")
        version = version_named(header["detector"])
        cadence = Cadence(header["cadence"])
        state = blank_state(header["series"], cadence, version)
        state.at = header["at"]
        for owner, name, array in _arrays(state):
            stored = np.lib.format.read_array(file, allow_pickle=False)
            if stored.shape != array.shape or stored.dtype != array.dtype:
                raise InvalidInput(f"{name} has another shape", field="snapshot")
            setattr(owner, name, stored)
    except (ValueError, KeyError, TypeError, EOFError) as error:
        raise InvalidInput("this is no snapshot of a detector", field="snapshot") from error
    return Detector(header["series"], cadence, version, state)


def select(detector: Detector, series: list[int]) -> Detector:
    """A detector of some of the series, in the given order; the original is not touched.

    An index of −1 stands for a series that is new.
    """
    chosen = np.array(series, dtype=np.int64)
    state = blank_state(len(series), detector.cadence, detector.version)
    state.at = detector.state.at
    old = chosen >= 0
    for (_, _, source), (_, _, target) in zip(_arrays(detector.state), _arrays(state), strict=True):
        target[..., old] = source[..., chosen[old]]
    return Detector(len(series), detector.cadence, detector.version, state)


def _arrays(part: Any) -> list[tuple[Any, str, Any]]:
    """(owner, name, array) of everything in a state, depth first, in the order of declaration."""
    found: list[tuple[Any, str, Any]] = []
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            found.append((part, field.name, value))
        elif is_dataclass(value):
            found += _arrays(value)
    return found
