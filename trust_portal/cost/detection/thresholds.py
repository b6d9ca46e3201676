"""What an operator may set per tenant and subsystem, with the values the product is installed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from trust_portal.cost.detection.vectors import Vector
from trust_portal.errors import InvalidInput

_RANGES = {
    "min_impact": (0.0, 1e12),
    "min_day_share": (0.0, 100.0),
    "sensitivity": (0.1, 10.0),
    "burn_rate": (1.0, 1_000.0),
    "drop_impact": (0.1, 1_000.0),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Materiality and sensitivity of one series.

    An anomaly is raised once its excess is at least ``min_impact`` (in the series' unit, so major
    units of its currency) and ``min_day_share`` of what the series usually comes to in a day.
    ``sensitivity`` 2 raises at half the usual deviation. ``burn_rate`` is the multiple of the
    budget at which spending is too fast. A drop is raised at ``drop_impact`` times what a rise has
    to come to; at 1000 practically none is.
    """

    min_impact: float = 10.0
    min_day_share: float = 0.4
    sensitivity: float = 1.0
    burn_rate: float = 3.0
    drop_impact: float = 1.0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise InvalidInput(f"must be between {low:g} and {high:g}", field=name)

    def with_changes(self, changes: dict[str, object]) -> Thresholds:
        """A copy with the named values; an unknown name or no number is refused."""
        known = {field.name for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise InvalidInput(f"no such threshold; there are: {', '.join(sorted(known))}", field=name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidInput("must be a number", field=name)
        return replace(self, **{name: float(value) for name, value in changes.items()})  # type: ignore[arg-type]  # checked above


INSTALLED = Thresholds()


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of N series as arrays. ``any_scale`` does without those of money, for series that are not money."""

    min_impact: Vector
    min_day_share: Vector
    sensitivity: Vector
    burn_rate: Vector
    drop_impact: Vector
    any_scale: bool = False

    @classmethod
    def of(cls, rows: Sequence[Thresholds], *, any_scale: bool = False) -> Limits:
        """One row of thresholds per series, in the order of the series."""
        columns = {
            field.name: np.array([getattr(row, field.name) for row in rows]) for field in fields(Thresholds)
        }
        return cls(**columns, any_scale=any_scale)

    @classmethod
    def same(cls, thresholds: Thresholds, series: int, *, any_scale: bool = False) -> Limits:
        """The same thresholds for every series."""
        columns = {
            field.name: np.full(series, getattr(thresholds, field.name)) for field in fields(Thresholds)
        }
        return cls(**columns, any_scale=any_scale)
