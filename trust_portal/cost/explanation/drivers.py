"""What an anomaly's hours are made of, against what such hours used to be made of. Pure and exact.

The detector says what the hours should have cost in all. How that splits over resources, operations
and so on is taken from comparable hours: each part is expected to have the share it had there. The
whole of what was expected is handed out to the last digit, so every view of the table (by cause, by
region, by operation) adds up to the same delta: actual less expected of the anomaly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, localcontext

import numpy as np
from numpy.typing import NDArray

from trust_portal.cost.explanation.lattice import Codes, number_parts
from trust_portal.cost.explanation.model import Table
from trust_portal.cost.explanation.table import encode, exact_type
from trust_portal.cost.metering.model import Spent

_WEEK = timedelta(days=7)
_FIXED = ("resource", "operation", "region", "adapter")
#: Nothing is rounded; what is no number comes out as one that is none.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])

Units = NDArray[np.int64] | NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Driver:
    """One value of one dimension. The contributions of a dimension's drivers add up to the delta."""

    dimension: str
    value: str
    expected: Decimal
    actual: Decimal
    contribution: Decimal


def comparable_starts(start: datetime, length: timedelta) -> tuple[tuple[datetime, ...], ...]:
    """When spans as long as the anomaly begin that say how its cost used to split, the best choice first.

    The same hours of the four weeks before; where nothing was used in them yet, the time just before.
    Spans that reach into the anomaly itself are left out.
    """
    weeks = tuple(start - number * _WEEK for number in range(1, 5) if number * _WEEK >= length)
    return weeks, tuple(start - number * length for number in range(1, 5))


def cost_table(window: Iterable[Spent], comparable: Iterable[Spent], expected: Decimal) -> Table:
    """The parts of the anomaly's hours (``window``), ``expected`` in all, split as in ``comparable``.

    Where nothing comparable was used, the split is that of the window, so that no part stands out.
    """
    now = list(window)
    parts = [*now, *comparable]
    names, values, codes = _dimensions(parts)
    units, expected_units, digits = _units([part.cost for part in parts], expected)
    places, inverse = _places(values, codes)
    actual = _sums(inverse[: len(now)], units[: len(now)], places.shape[1])
    usual = _sums(inverse[len(now) : len(parts)], units[len(now) :], places.shape[1])
    shares = apportion(expected_units, usual if sum(usual) > 0 else actual)
    exact = exact_type(len(shares), shares, actual)
    return Table(names, values, places, np.array(shares, exact), np.array(actual, exact), digits)


def drivers(table: Table) -> tuple[Driver, ...]:
    """Each dimension's values, the largest contribution first; dimensions with one value say nothing."""
    found: list[Driver] = []
    amount = table.amount
    for name, values, codes in zip(table.dimensions, table.values, table.codes, strict=True):
        if len(values) < 2:
            continue
        sums = [_sums(codes, units, len(values)) for units in (table.expected, table.actual)]
        rows = sorted(zip(values, *sums, strict=True), key=lambda row: (-abs(row[2] - row[1]), row[0]))
        found += [
            Driver(name, value, amount(expected), amount(actual), amount(actual - expected))
            for value, expected, actual in rows
        ]
    return tuple(found)


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """``amount`` in whole units by ``weights``, which add up to it exactly (largest remainder).

    Without weights all of it goes to the first. Weights may be negative where credits outweigh use.
    """
    total = sum(weights)
    if not weights:
        return []
    if total == 0:
        return [amount, *[0] * (len(weights) - 1)]
    split = [divmod(amount * weight, total) for weight in weights]
    shares = [whole for whole, _ in split]
    rests: Units = np.array([-abs(rest) for _, rest in split], exact_type(1, [total]))
    for index in np.argsort(rests, kind="stable")[: amount - sum(shares)].tolist():
        shares[index] += 1
    return shares


def _dimensions(parts: Sequence[Spent]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], Codes]:
    """Names, values and, in the shape (dimensions, parts), the place of each part's value among them."""
    labels = sorted({name for part in parts for name in part.labels})
    columns: dict[str, list[str | None]] = {
        "resource": [part.resource for part in parts],
        "operation": [part.operation for part in parts],
        "region": [part.region for part in parts],
        "adapter": [part.adapter for part in parts],
        **{_label(name): [part.labels.get(name) for part in parts] for name in labels},
    }
    if not parts:  # one place, where nothing is used
        columns = {name: [""] for name in columns}
    values, codes = zip(*map(encode, columns.values()), strict=True)
    return tuple(columns), values, np.array(codes, dtype=np.int64)


def _places(values: Sequence[Sequence[str]], codes: Codes) -> tuple[Codes, Codes]:
    """The combinations of values that occur, in order, and for each part the number of its own."""
    key, _ = number_parts(codes, tuple(map(len, values)), tuple(range(len(values))))
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return codes[:, first], inverse


def _sums(places: Codes, units: Units, count: int) -> list[int]:
    """What lies in each of ``count`` places: whole units, so nothing is rounded."""
    sums = np.zeros(count, dtype=units.dtype)
    np.add.at(sums, places, units)
    found: list[int] = sums.tolist()
    return found


def _label(name: str) -> str:
    """A label goes by its own name, unless a fixed dimension has it."""
    return f"label:{name}" if name in _FIXED else name


def _units(costs: Sequence[Decimal], expected: Decimal) -> tuple[Units, int, int]:
    """Whole units of ``10 ** -digits`` of the costs and of what was expected, and ``digits``.

    All the digits that any of them has: a sum that is not rounded has as many as the longest of them.
    """
    with localcontext(_EXACT):
        exponent = sum(costs, expected).as_tuple().exponent
        if not isinstance(exponent, int):
            raise ValueError("an amount is a finite number")
        digits = max(0, -exponent)
        unit = Decimal(10) ** digits
        units = [int(cost * unit) for cost in costs]
        return np.array(units, exact_type(len(units), units)), int(expected * unit), digits
