"""What an attribution starts from and what it says, in exact amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of ``expected`` and ``actual``, each with one value per dimension.

    ``codes`` has the shape (dimensions, rows) and points into ``values``. Amounts are whole numbers
    of ``10 ** -digits``: ``int64`` where every sum fits, Python integers (``object``) where not.
    """

    dimensions: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int64]
    expected: NDArray[np.int64] | NDArray[np.object_]
    actual: NDArray[np.int64] | NDArray[np.object_]
    digits: int

    def amount(self, units: int) -> Decimal:
        """Whole units as the exact decimal they stand for, without superfluous zeros."""
        return plain(units, self.digits)


@dataclass(frozen=True, slots=True)
class Cause:
    """One part of the table that moved as one.

    ``contribution`` is what it adds to the delta. Causes share no row: a row that fits two of them
    belongs to the one found first, so contributions can be added. ``rows`` counts its rows,
    ``expected`` and ``actual`` are their sums. ``confidence`` lies between 0 and 1.
    """

    where: Mapping[str, str]
    contribution: Decimal
    share: float | None
    confidence: float
    expected: Decimal
    actual: Decimal
    rows: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """``delta`` = Σ(actual − expected) = Σ contributions + ``unexplained``, exactly.

    ``share`` of a cause is its part of the delta, ``None`` where the delta is zero.
    """

    delta: Decimal
    causes: tuple[Cause, ...]
    unexplained: Decimal


def plain(units: int, digits: int) -> Decimal:
    """``units`` · 10**-``digits``, exact however long: contexts round, so none is involved."""
    while digits > 0 and units % 10 == 0:
        units //= 10
        digits -= 1
    sign, text = ("-", str(-units)) if units < 0 else ("", str(units))
    if digits:
        text = text.rjust(digits + 1, "0")
        text = f"{text[:-digits]}.{text[-digits:]}"
    return Decimal(sign + text)
