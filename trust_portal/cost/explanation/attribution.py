"""Split a delta over the causes found in a table, so that the parts add up to it exactly.

Which parts are causes is a judgement and made in floating point (``search``). What they contribute is
bookkeeping: sums of whole units, where every row belongs to one cause at most, so contributions and
"unexplained" are the delta by construction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from trust_portal.cost.explanation.lattice import Lattice, number_parts
from trust_portal.cost.explanation.model import UNOWNED, Attribution, Cause, Table
from trust_portal.cost.explanation.movement import Floats, shifts
from trust_portal.cost.explanation.search import Part, find_causes

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
Mask = NDArray[np.bool_]

#: A part this many times smaller than all causes together may stand out, but explains nothing.
_IMMATERIAL = 1_000_000
#: Bits of an integer that a double can hold with room for a sum of many.
_DOUBLE_BITS = 960


def attribute(table: Table, *, level: float = 1.0) -> Attribution:
    """The causes of Σ(actual − expected), the largest contribution first.

    The same rows in another order give the same answer. No cause is named where nothing stands out
    from the noise, or where the table has no dimension: then all of it is unexplained. What stands
    out is judged against ``level`` times what was expected; contributions never are.
    """
    return _attribute(table, _Ledger(table), level)


def _attribute(table: Table, ledger: _Ledger, level: float) -> Attribution:
    found = [
        (ledger.units(leaves), where, leaves, certain)
        for where, leaves, certain in _found(table, ledger, level)
    ]
    moved = sum(abs(units) for units, *_ in found)
    return _split(table, ledger, [each for each in found if abs(each[0]) * _IMMATERIAL >= moved])


def _split(
    table: Table, ledger: _Ledger, material: list[tuple[int, dict[str, str], Mask, float]]
) -> Attribution:
    """``material``: units, name, leaves and certainty of each cause; no leaf is of two."""
    material.sort(key=lambda each: (-abs(each[0]), sorted(each[1].items())))
    causes = [ledger.cause(where, leaves, certain) for _, where, leaves, certain in material]
    explained = sum(units for units, *_ in material)
    owners = np.full(len(ledger.leaf_of_row), UNOWNED)
    for place, (_, _, leaves, _) in enumerate(material):
        owners[leaves[ledger.leaf_of_row]] = place
    return Attribution(
        table.amount(ledger.delta), tuple(causes), table.amount(ledger.delta - explained), owners
    )


def attribute_to_parts(table: Table, *, comparable: bool) -> Attribution:
    """``attribute`` for accounts: only what singles out a part counts as explained.

    "It rose everywhere" is true and explains nothing, and without anything ``comparable`` to say how
    cost used to split, neither does any part. Nor does "everything else fell short": where the
    forecast of the whole was off, it hides what happened to a part, so a table in which nothing
    stands out is looked at once more against the level that most of its cost kept.
    """
    ledger = _Ledger(table)
    found = _to_parts(_attribute(table, ledger, 1.0), table, comparable=comparable)
    if found.causes or not found.delta or not comparable:
        return found
    again = _to_parts(_attribute(table, ledger, _level(ledger)), table, comparable=comparable)
    return again if abs(again.unexplained) < abs(found.unexplained) else found


def attribute_around_acts(table: Table, before: Table | None, *, comparable: bool) -> Attribution:
    """``attribute_to_parts``, also where playbooks have changed the very usage that is to be explained.

    What was held back or cached makes parts cheaper that had nothing to do with it, and no part moves as
    one any more. ``before`` is of the anomaly's hours until something was done first (``None``: nothing
    was). Causes that stand out there are counted over all of ``table``, if they leave less unexplained
    than what stands out of the whole.
    """
    found = attribute_to_parts(table, comparable=comparable)
    if before is None:
        return found
    early = _counted(table, attribute_to_parts(before, comparable=comparable).causes)
    return early if abs(early.unexplained) < abs(found.unexplained) else found


def _counted(table: Table, causes: Sequence[Cause]) -> Attribution:
    """``table`` by ``causes`` that were found in another; a leaf that two of them have is the first one's."""
    ledger = _Ledger(table)
    free = np.ones(len(ledger.expected), dtype=np.bool_)
    material = []
    for cause in causes:
        leaves = np.zeros_like(free)
        leaves[ledger.leaf_of_row[table.rows(cause.where)]] = True
        leaves &= free
        free &= ~leaves
        material.append((ledger.units(leaves), dict(cause.where), leaves, cause.confidence))
    return _split(table, ledger, [each for each in material if each[0]])


def _level(ledger: _Ledger) -> float:
    """Actual over expected of the part of the table that holds the middle of what was expected."""
    expected, actual = _floats(ledger.expected), _floats(ledger.actual)
    known = (expected > 0) & (actual >= 0)
    if not known.any():
        return 1.0
    ratio, weight = actual[known] / expected[known], expected[known]
    order = np.argsort(ratio, kind="stable")
    middle = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(ratio[order][middle]) or 1.0


def _to_parts(found: Attribution, table: Table, *, comparable: bool) -> Attribution:
    varying = {name for name, values in zip(table.dimensions, table.values, strict=True) if len(values) > 1}
    kept = [
        place
        for place, cause in enumerate(found.causes)
        if comparable and (not varying or varying & cause.where.keys())
    ]
    if len(kept) == len(found.causes):
        return found
    causes = tuple(found.causes[place] for place in kept)
    digits = table.digits
    explained = sum(int(cause.contribution.scaleb(digits, _EXACT)) for cause in causes)
    delta = int(found.delta.scaleb(digits, _EXACT))
    owners = np.full_like(found.owners, UNOWNED)
    for new, old in enumerate(kept):
        owners[found.owners == old] = new
    return Attribution(found.delta, causes, table.amount(delta - explained), owners)


class _Ledger:
    """The table by leaf (one combination of all dimensions), in whole units."""

    def __init__(self, table: Table) -> None:
        cards = tuple(len(values) for values in table.values)
        key, _ = number_parts(table.codes, cards, tuple(range(len(cards))))
        order = np.argsort(key, kind="stable")
        is_first = np.diff(key[order], prepend=-1) != 0
        starts = np.flatnonzero(is_first)
        self.leaf_of_row = np.empty(len(order), dtype=np.int64)
        self.leaf_of_row[order] = np.cumsum(is_first) - 1
        self._table = table
        self.codes = table.codes[:, order[starts]]
        self.rows = np.diff(starts, append=len(order))
        self.expected = np.add.reduceat(table.expected[order], starts) if len(order) else table.expected
        self.actual = np.add.reduceat(table.actual[order], starts) if len(order) else table.actual
        self.delta = int(self.actual.sum()) - int(self.expected.sum())
        self._lattice: tuple[list[int], Mask, Lattice] | None = None

    def lattice(self, varying: list[int], live: Mask) -> Lattice:
        """Of the ``live`` leaves by the ``varying`` dimensions; made once, however often it is searched."""
        made = self._lattice
        if made is None or made[0] != varying or not np.array_equal(made[1], live):
            cards = tuple(len(self._table.values[index]) for index in varying)
            made = self._lattice = varying, live, Lattice.of(self.codes[varying][:, live], cards)
        return made[2]

    def units(self, leaves: Mask) -> int:
        """What the leaves add to the delta."""
        return int(self.actual[leaves].sum()) - int(self.expected[leaves].sum())

    def cause(self, where: dict[str, str], leaves: Mask, confidence: float) -> Cause:
        units = self.units(leaves)
        return Cause(
            where,
            self._table.amount(units),
            round(float(Fraction(units, self.delta)), 6) if self.delta else None,
            confidence,
            self._table.amount(int(self.expected[leaves].sum())),
            self._table.amount(int(self.actual[leaves].sum())),
            int(self.rows[leaves].sum()),
        )


def _found(table: Table, ledger: _Ledger, level: float) -> list[tuple[dict[str, str], Mask, float]]:
    """Each cause: its name, its leaves, its confidence."""
    expected, actual = _floats(ledger.expected) * level, _floats(ledger.actual)
    shift, size = shifts(expected, actual)
    live = size > 0
    varying = [index for index, values in enumerate(table.values) if len(values) > 1]
    constant = {
        name: values[0]
        for name, values in zip(table.dimensions, table.values, strict=True)
        if len(values) == 1
    }
    if not varying:
        # One part only. It moved or it did not, and there is nothing to tell it from.
        return [(constant, live, 1.0)] if constant and ledger.delta else []
    lattice = ledger.lattice(varying, live)
    found = []
    for part in find_causes(lattice, shift[live], size[live]) if live.any() else []:
        names = [varying[dimension] for dimension in part.dimensions]
        where = {
            table.dimensions[name]: table.values[name][value]
            for name, value in zip(names, part.values, strict=True)
        }
        leaves = np.zeros(len(live), dtype=np.bool_)
        leaves[np.flatnonzero(live)[part.places]] = True
        found.append((where or constant, leaves, _confidence(part)))
    return found


def _confidence(part: Part) -> float:
    """How certain it is that something is there, times how far it moved as one."""
    return round(max(0.0, 1.0 - math.exp(-max(part.gain, 0.0))) * min(1.0, part.uniformity), 4)


def _floats(units: NDArray[np.int64] | NDArray[np.object_]) -> Floats:
    """For judging only. Integers too long for a double lose their tail, not their proportion."""
    try:
        return units.astype(np.float64)
    except OverflowError:
        excess = max(int(each).bit_length() for each in units) - _DOUBLE_BITS
        return np.array([float(int(each) >> excess) for each in units], dtype=np.float64)
