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
from decimal import Decimal

from trust_portal.cost.explanation.model import Table
from trust_portal.cost.explanation.table import build_table
from trust_portal.cost.metering.model import Part

_WEEK = timedelta(days=7)
_FIXED = ("resource", "operation", "region", "adapter")

_Place = tuple[str, ...]


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


def cost_table(window: Iterable[Part], comparable: Iterable[Part], expected: Decimal) -> Table:
    """The parts of the anomaly's hours (``window``), ``expected`` in all, split as in ``comparable``.

    Where nothing comparable was used, the split is that of the window, so that no part stands out.
    """
    now, before = list(window), list(comparable)
    labels = sorted({name for part in (*now, *before) for name in part.labels})
    digits = max(_digits(amount) for amount in (expected, *(part.cost for part in (*now, *before))))
    actual = _sum_by_place(now, labels, digits)
    usual = _sum_by_place(before, labels, digits)
    places = sorted({*actual, *usual}) or [("",) * (len(_FIXED) + len(labels))]
    weights = usual if sum(usual.values()) > 0 else actual
    shares = apportion(_units(expected, digits), [weights.get(place, 0) for place in places])
    columns = {
        name: [place[index] for place in places] for index, name in enumerate((*_FIXED, *map(_label, labels)))
    }
    return build_table(columns, shares, [actual.get(place, 0) for place in places], digits=digits)


def drivers(table: Table) -> tuple[Driver, ...]:
    """Each dimension's values, the largest contribution first; dimensions with one value say nothing."""
    found: list[Driver] = []
    for name, values, codes in zip(table.dimensions, table.values, table.codes, strict=True):
        if len(values) < 2:
            continue
        rows = []
        for code, value in enumerate(values):
            here = codes == code
            expected, actual = int(table.expected[here].sum()), int(table.actual[here].sum())
            rows.append((actual - expected, Driver(
                name, value, table.amount(expected), table.amount(actual), table.amount(actual - expected)
            )))  # fmt: skip
        found += [driver for _, driver in sorted(rows, key=lambda row: (-abs(row[0]), row[1].value))]
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
    missing = amount - sum(shares)
    order = sorted(range(len(weights)), key=lambda index: (-abs(split[index][1]), index))
    for index in order[:missing]:
        shares[index] += 1
    return shares


def _sum_by_place(parts: Iterable[Part], labels: Sequence[str], digits: int) -> dict[_Place, int]:
    sums: dict[_Place, int] = {}
    for part in parts:
        place = (
            part.resource, part.operation, part.region, part.adapter or "",
            *(part.labels.get(name, "") for name in labels),
        )  # fmt: skip
        sums[place] = sums.get(place, 0) + _units(part.cost, digits)
    return sums


def _label(name: str) -> str:
    """A label goes by its own name, unless a fixed dimension has it."""
    return f"label:{name}" if name in _FIXED else name


def _digits(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _units(amount: Decimal, digits: int) -> int:
    """Whole units of ``10 ** -digits``; by text, since arithmetic on decimals rounds at 28 digits."""
    sign, figures, exponent = amount.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("an amount is a finite number")
    units: int = int("".join(map(str, figures))) * 10 ** (exponent + digits)
    return -units if sign else units
