"""What templates say of a section, on screen and on paper: its state, its sentences, its drawings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from markupsafe import Markup

from trust_portal.documents import charts
from trust_portal.documents.formats import instant
from trust_portal.trust.gathering import ids
from trust_portal.trust.sections.absent import left_out, table_shown
from trust_portal.trust.sections.display import display, quantity
from trust_portal.trust.sections.fitting import breaks, setting
from trust_portal.trust.sections.model import Cell, Chart, ChartKind, Section, State, Unit, split
from trust_portal.trust.sections.outcome import Outcome, outcome, verdict

#: Kind of mark and word, by state: on screen, on paper and on slides, as JSON and CSV have it. Only what is not fresh calls
#: for a look; how it went is its outcome.
STATES: Final[dict[State, tuple[str, str]]] = {
    State.FRESH: ("mute", "Fresh"),
    State.STALE: ("warn", "Stale"),
    State.MISSING: ("warn", "Missing"),
    State.NOT_APPLICABLE: ("mute", "Does not apply"),
}
#: Units whose cells are set flush right.
_NUMBERS: Final = frozenset({Unit.COUNT, Unit.MINUTES, Unit.MONEY, Unit.NUMBER, Unit.PERCENT})


def spoken(section: Section) -> Iterator[tuple[tuple[str, Cell | None], ...]]:
    """Each sentence in pieces: words without a cell, and figures as they are shown with theirs."""
    for sentence in section.sentences:
        yield tuple(
            (display(section.figure(text).cell), section.figure(text).cell) if is_figure else (text, None)
            for is_figure, text in split(sentence.text)
        )


def cell_kind(unit: Unit) -> str:
    """The class that a column's cells are set in."""
    if unit in _NUMBERS:
        return "num"
    return "code" if unit is Unit.DIGEST else "text"


def receipts_in(sections: Sequence[Section]) -> dict[str, int]:
    """The number of each receipt in the list at the end of a printed document, in the order of their naming."""
    found: dict[str, int] = {}
    for section in sections:
        for _, cell in section.cells():
            if cell.receipt is not None:
                found.setdefault(cell.receipt, len(found) + 1)
    return found


def drawn(section: Section, chart: Chart) -> Markup:
    """The chart as SVG: the first of its series; the table beside it has every value."""
    table = section.table(chart.table)
    series = chart.series[0]
    unit = " %" if table.column(series).unit is Unit.PERCENT else ""
    rows = [cells for _, cells in table.by_column()]
    points = [charts.Point(display(cells[chart.category]), quantity(cells[series])) for cells in rows]
    said = [
        f"{each.label}: {display(cells[series]) if each.value is None else f'{each.value}{unit}'}"
        for each, cells in zip(points, rows, strict=True)
    ]
    description = "; ".join(said)
    if chart.kind is ChartKind.BAR:
        return charts.bar_chart(points, title=chart.title, description=description, unit=unit)
    target = None if chart.target is None else Decimal(chart.target)
    low, high = span([*(each.value for each in points), target], percent=bool(unit))
    return charts.line_chart(
        points,
        title=chart.title,
        description=description,
        low=low,
        high=high,
        target=target,
        unit=unit,
        stepped=True,
    )


def sourced(section: Section) -> str:
    """What it was read from, as it is said within a sentence; an abbreviation stays as it is."""
    source = section.source
    return source if source[1:2].isupper() else f"{source[:1].lower()}{source[1:]}"


def promised(sections: Sequence[Section]) -> Outcome | None:
    """What became of what was promised, of the whole document."""
    return next((outcome(each) for each in sections if each.id == ids.SLA), None)


def lead(body: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """The verdict of a document of sections, and whether its period was over. ``body``: its canonical JSON."""
    told = verdict(sections)
    said = "What was promised, and what became of it." if told is None else f"{told[0].upper()}{told[1:]}."
    end, as_of = (datetime.fromisoformat(each) for each in (body["period"]["end"], body["as_of"]))
    runs = still_runs(end, as_of, body["period"]["time_zone"])
    return f"{said}{f' {runs}' if runs else ''} As of {instant(as_of.replace(microsecond=0))}."


def still_runs(end: datetime, as_of: datetime, time_zone: str) -> str | None:
    """What is said of a period that was not over when its data were read; None of one that was."""
    return f"The period still runs, until {instant(end, time_zone)}." if as_of < end else None


def span(values: Sequence[Decimal | None], *, percent: bool) -> tuple[Decimal, Decimal]:
    """Round bounds around the values; a share never goes beyond a hundred."""
    known = [each for each in values if each is not None] or [Decimal(0)]
    step = Decimal("0.1") if percent and min(known) > 99 else Decimal(1)
    low = (min(known) / step).quantize(Decimal(1), ROUND_FLOOR) * step
    high = Decimal(100) if percent else (max(known) / step).quantize(Decimal(1), ROUND_CEILING) * step
    return (low, high) if low < high else (high - step, high)


GLOBALS: Final[dict[str, Callable[..., Any]]] = {
    "section_breaks": breaks,
    "section_cell_kind": cell_kind,
    "section_drawn": drawn,
    "section_outcome": outcome,
    "section_receipts": receipts_in,
    "section_setting": setting,
    "section_shown": display,
    "section_sourced": sourced,
    "section_spoken": spoken,
    "section_left_out": left_out,
    "section_table": table_shown,
    "section_state": lambda state: STATES[state],
    "sections_lead": lead,
    "sections_outcome": promised,
}
