"""What an attribution starts from and what it says, in exact amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: The owner of a row that is part of no cause.
UNOWNED: Final = -1


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

    def rows(self, where: Mapping[str, str]) -> NDArray[np.bool_]:
        """Which rows have these values; none where a dimension or value does not occur."""
        chosen = np.ones(len(self.expected), dtype=np.bool_)
        for name, value in where.items():
            if name not in self.dimensions:
                return np.zeros_like(chosen)
            index = self.dimensions.index(name)
            code = self.values[index].index(value) if value in self.values[index] else -1
            chosen &= self.codes[index] == code
        return chosen

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

    ``share`` of a cause is its part of the delta, ``None`` where the delta is zero. ``owners`` has, for
    each row of the table, the place of its cause in ``causes``, or ``UNOWNED``.
    """

    delta: Decimal
    causes: tuple[Cause, ...]
    unexplained: Decimal
    owners: NDArray[np.int64] = field(compare=False, repr=False)


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
