"""Where the exact values lie that a document's rounded ones stand for, and what may follow from them. Pure.

Amounts and shares are rounded each for itself. What follows from several of them is known up to their rounding, and a
value that lies beyond that is replaced by one that does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Self

from trust_portal.kernel.money import exponent
from trust_portal.trust.sections.model import Cell, Unit

_TENTH: Final = Decimal("0.1")
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Span:
    """Where an exact value lies; both ends may be it."""

    low: Decimal
    high: Decimal

    @classmethod
    def around(cls, cell: Cell) -> Self:
        """What was rounded to ``cell``; ``ValueError`` where nothing is known."""
        if cell.value is None:
            raise ValueError("not known")
        value, half = Decimal(cell.value), _step(cell) / 2
        return cls(value - half, value + half)

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Span) -> Span:
        return Span(self.low - other.high, self.high - other.low)

    @property
    def least(self) -> Decimal:
        """How far from nothing it is at the least."""
        return max(self.low, -self.high, _ZERO)

    @property
    def most(self) -> Decimal:
        """How far from nothing it is at the most."""
        return max(abs(self.low), abs(self.high))

    def times(self, factor: Decimal) -> Span:
        """``factor`` is not negative."""
        return Span(self.low * factor, self.high * factor)

    def percent_of(self, whole: Span) -> Span | None:
        """None where the whole may be nothing."""
        if whole.least == 0:
            return None
        ends = [100 * part / all_of for part in (self.low, self.high) for all_of in (whole.low, whole.high)]
        return Span(min(ends), max(ends))


NOTHING: Final = Span(_ZERO, _ZERO)


def sum_of(cells: Iterable[Cell]) -> Span:
    return sum((Span.around(each) for each in cells), NOTHING)


def within(cell: Cell, span: Span | None) -> Cell:
    """``cell`` where it may be of ``span``, else the middle of that."""
    if span is None or cell.value is None:
        return cell
    stated = Span.around(cell)
    if stated.low <= span.high and span.low <= stated.high:
        return cell
    return _middle(cell, span)


def percent(cell: Cell, part: Span, whole: Span, *, less: Decimal = _ZERO) -> Cell:
    """``cell`` where ``part`` may be so much of ``whole`` in percent, ``less`` something; not known of nothing alone.

    A whole that was rounded to nothing is small: what is told of it is as large as that makes it, or not known.
    """
    span = part.percent_of(whole)
    if span is not None:
        span = Span(span.low - less, span.high - less)
        return _middle(cell, span) if cell.value is None else within(cell, span)
    if cell.value is None:
        return cell
    stated = Span.around(cell)
    if Span(stated.low + less, stated.high + less).most * whole.most < 100 * part.least:
        return replace(cell, value=None)
    return cell


def _middle(cell: Cell, span: Span) -> Cell:
    middle = ((span.low + span.high) / 2).quantize(_step(cell), ROUND_HALF_EVEN)
    return replace(cell, value=f"{middle:f}")


def _step(cell: Cell) -> Decimal:
    """The smallest difference between two values of its kind; quantities are exact."""
    if cell.unit is Unit.MONEY and cell.currency is not None:
        return Decimal(1).scaleb(-exponent(cell.currency))
    return _TENTH if cell.unit is Unit.PERCENT else _ZERO
