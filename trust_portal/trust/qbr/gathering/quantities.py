"""How much was used, whatever it cost: quantities by part, operation and unit, against the period before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from trust_portal.cost.metering.model import Part
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Sentence, Table, Unit

_PAGE: Final = "/cost"
#: So many are listed, and so many of them told.
_LISTED: Final = 20
_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class Meter:
    """What quantities can be summed of: units of two kinds have no sum."""

    subsystem: str
    operation: str
    unit: str


@dataclass(frozen=True, slots=True)
class Quantities:
    figures: tuple[Figure, ...]
    sentences: tuple[Sentence, ...]
    table: Table


def consumed(now: Sequence[Part], then: Sequence[Part], *, compared: bool) -> Quantities:
    """Pure. Meters stand in the order of what they cost, the dearest first; what moved is told in the order of how much
    cost moved with it. ``compared`` is False where the period before was not metered as a whole.
    """
    used, before = _sums(now), _sums(then)
    compared = compared and bool(then)
    costs, costs_before = _costs(now), _costs(then)
    meters = sorted(
        used.keys() | before.keys(),
        key=lambda each: (-_most(costs.get(each, {}), costs_before.get(each, {})), _key(each)),
    )
    figures: list[Figure] = []
    said: list[Sentence] = []
    moved = [each for each in meters if compared and used.get(each, 0) != before.get(each, 0)]
    moved.sort(key=lambda each: (-_moved(costs.get(each, {}), costs_before.get(each, {})), _key(each)))
    for at, meter in enumerate(moved[:_TOLD], 1):
        own, sentence = _told(at, meter, used.get(meter, Decimal(0)), before.get(meter, Decimal(0)))
        figures += own
        said.append(sentence)
    if len(meters) > _LISTED:
        rest = Cell(str(len(meters) - _LISTED), Unit.COUNT, href=_PAGE)
        figures.append(Figure("volume-unlisted", "Quantities that are not listed", rest))
        said.append(
            Sentence("Of quantities the dearest are listed; {volume-unlisted} cost less and are not.")
        )
    rows = tuple(_row(each, used, before, compared=compared) for each in meters[:_LISTED])
    return Quantities(tuple(figures), tuple(said), _table(rows))


def _told(at: int, meter: Meter, now: Decimal, then: Decimal) -> tuple[list[Figure], Sentence]:
    id_, name = f"volume-{at}", f"{meter.subsystem} {meter.operation}, {meter.unit}"
    figures = [
        Figure(id_, f"Quantity that moved, no. {at}", Cell(name, href=_PAGE)),
        Figure(f"{id_}-now", f"Used in the period ({name})", quantity(now)),
        Figure(f"{id_}-before", f"Used in the period before ({name})", quantity(then)),
        Figure(f"{id_}-change", f"Change of what was used ({name})", quantity(now - then)),
    ]
    said = f"Used of {{{id_}}}: {{{id_}-now}} after {{{id_}-before}} in the period before"
    if then:
        figures.append(Figure(f"{id_}-growth", f"Change in percent ({name})", growth(now, then)))
        return figures, Sentence(f"{said}, a change of {{{id_}-change}} or {{{id_}-growth}}.")
    return figures, Sentence(f"{said}, a change of {{{id_}-change}}.")


def _row(
    meter: Meter, used: Mapping[Meter, Decimal], before: Mapping[Meter, Decimal], *, compared: bool
) -> Row:
    now, then = used.get(meter, Decimal(0)), before.get(meter, Decimal(0))
    unknown = Cell(None, Unit.NUMBER)
    return Row(
        ":".join(_key(meter)),
        (
            Cell(meter.subsystem, href=_PAGE),
            Cell(meter.operation),
            Cell(meter.unit),
            quantity(now),
            quantity(then) if compared else unknown,
            quantity(now - then) if compared else unknown,
            growth(now, then) if compared else Cell(None, Unit.PERCENT),
        ),
    )


def _table(rows: tuple[Row, ...]) -> Table:
    return Table(
        "quantities",
        "How much was used",
        (
            Column("subsystem", "Part"),
            Column("operation", "Operation"),
            Column("unit", "Unit"),
            Column("now", "In the period", Unit.NUMBER),
            Column("before", "Period before", Unit.NUMBER),
            Column("change", "Change", Unit.NUMBER),
            Column("growth", "In percent", Unit.PERCENT),
        ),
        rows,
        "Nothing was used.",
    )


def quantity(value: Decimal) -> Cell:
    """Exact, in its unit."""
    return Cell(f"{value.normalize():f}", Unit.NUMBER, href=_PAGE)


def growth(now: Decimal, then: Decimal) -> Cell:
    """In percent with one digit; not known of nothing."""
    if not then:
        return Cell(None, Unit.PERCENT)
    percent = (100 * (now - then) / then).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return Cell(f"{percent:f}", Unit.PERCENT, href=_PAGE)


def _sums(parts: Sequence[Part]) -> dict[Meter, Decimal]:
    """In whatever currency they were paid."""
    found: dict[Meter, Decimal] = {}
    for each in parts:
        meter = _meter(each)
        found[meter] = found.get(meter, Decimal(0)) + each.quantity
    return found


def _costs(parts: Sequence[Part]) -> dict[Meter, dict[str, Decimal]]:
    """By meter and currency."""
    found: dict[Meter, dict[str, Decimal]] = {}
    for each in parts:
        own = found.setdefault(_meter(each), {})
        own[each.series.currency] = own.get(each.series.currency, Decimal(0)) + each.cost
    return found


def _most(*costs: Mapping[str, Decimal]) -> Decimal:
    """Amounts of two currencies have no sum either: the largest single one."""
    return max((amount for each in costs for amount in each.values()), default=Decimal(0))


def _moved(now: Mapping[str, Decimal], then: Mapping[str, Decimal]) -> Decimal:
    return max(
        (abs(now.get(each, Decimal(0)) - then.get(each, Decimal(0))) for each in now.keys() | then.keys()),
        default=Decimal(0),
    )


def _meter(part: Part) -> Meter:
    return Meter(part.series.subsystem, part.operation, part.unit)


def _key(meter: Meter) -> tuple[str, str, str]:
    return meter.subsystem, meter.operation, meter.unit
