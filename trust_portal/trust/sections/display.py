"""How a value is written for people, the same in every form of a document. Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from trust_portal.documents.formats import day, digest, instant, money, number, percent
from trust_portal.trust.sections.model import Cell, Section, Unit, split

#: What stands where nobody knows.
UNKNOWN = "not known"


def display(cell: Cell) -> str:
    """``99.950000 %``, ``EUR 1,234.50``, ``14 June 2026``; ``not known`` where there is no value."""
    value = cell.value
    if value is None:
        return UNKNOWN
    match cell.unit:
        case Unit.COUNT | Unit.NUMBER:
            return number(value)
        case Unit.MINUTES:
            return f"{number(value)} min"
        case Unit.PERCENT:
            return percent(value)
        case Unit.MONEY:
            return money(value, cell.currency)
        case Unit.INSTANT:
            return instant(value)
        case Unit.DAY:
            return day(date.fromisoformat(value))
        case Unit.DIGEST:
            return digest(value)
        case Unit.TEXT:
            return value


def quantity(cell: Cell) -> Decimal | None:
    """What can be drawn: None where it is not known, or where words stand in place of a number."""
    return None if cell.value is None or cell.unit is Unit.TEXT else Decimal(cell.value)


def sentences(section: Section) -> tuple[str, ...]:
    """The sentences of a section with their figures in place."""
    return tuple(
        "".join(
            display(section.figure(text).cell) if is_figure else text
            for is_figure, text in split(sentence.text)
        )
        for sentence in section.sentences
    )
