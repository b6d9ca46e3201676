"""What the charts of a document's page say and draw, to lay beside the tables that they were drawn from.

The names of an axis, of a target and of points are read off the drawing, and so is how high each point lies between
the ends of its axis: nothing here asks the product how it draws.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import unescape

from support.document_forms import words

from trust_portal.trust.sections.display import display
from trust_portal.trust.sections.model import Cell, Chart, ChartKind, Section, Unit

#: From the line that a name stands beside to the line that its letters stand on, and the width of half a stroke.
_BELOW, _NEAR = Decimal(4), Decimal("0.06")
_LETTERED = re.compile(r'<text class="([^"]*)"[^>]* y="([\d.]+)" text-anchor="(\w+)"[^>]*>([^<]*)</text>')
_TOPS = {
    ChartKind.BAR: re.compile(r'class="chart-bar" d="M[\d.]+ ([\d.]+)h'),
    ChartKind.LINE: re.compile(r"[ V]([\d.]+)H"),
}


def charts_on(page: str) -> list[list[str]]:
    """What each chart of a page's sections says of its points: of all of them, and then of each bar by itself."""
    return [
        words(unescape(said)).split(";") + [words(unescape(each)) for each in bars]
        for drawing in _drawings(page)
        for said in re.findall(r"<desc>(.*?)</desc>", drawing)
        for bars in [re.findall(r"<g><title>(.*?)</title>", drawing)]
    ]


def charted(sections: Sequence[Section]) -> list[list[str]]:
    """What ``charts_on`` has to find: the values of the table beside each chart, as the document has them."""
    found = []
    for section in sections:
        for chart in section.charts:
            along, upwards, unit = _columns(section, chart)
            points = [
                (
                    _is_known(cell),
                    words(f"{name}:{f'{cell.value}{unit}' if _is_known(cell) else display(cell)}"),
                )
                for name, cell in zip(along, upwards, strict=True)
            ]
            bars = [said for known, said in points if known] if chart.kind is ChartKind.BAR else []
            found.append([said for _, said in points] + bars)
    return found


def lettering(page: str) -> list[list[str]]:
    """The names that stand in each chart of a page, as they follow one another."""
    return [[words(unescape(each[3])) for each in _LETTERED.findall(drawing)] for drawing in _drawings(page)]


def misdrawn(page: str, sections: Sequence[Section]) -> list[str]:
    """What the charts of a page name or draw otherwise than their tables have it, each by the title of its chart."""
    drawings = _drawings(page)
    charts = [(section, chart) for section in sections for chart in section.charts]
    assert len(drawings) == len(charts), "a drawing for each chart"
    return [
        f"{chart.title}: {fault}"
        for (section, chart), drawing in zip(charts, drawings, strict=True)
        for fault in _faults(section, chart, drawing)
    ]


@dataclass(frozen=True)
class _Axis:
    """Between its two names, each a value and how far down it stands."""

    low: Decimal
    high: Decimal
    bottom: Decimal
    top: Decimal

    def height(self, value: Decimal) -> Decimal:
        return self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low)

    def holds(self, value: Decimal) -> bool:
        return self.low <= value <= self.high


def _faults(section: Section, chart: Chart, drawing: str) -> Iterator[str]:
    along, upwards, unit = _columns(section, chart)
    values = [Decimal(str(each.value)) for each in upwards if _is_known(each)]
    named = [
        (kind, Decimal(y) - _BELOW, anchor, words(unescape(said)))
        for kind, y, anchor, said in _LETTERED.findall(drawing)
    ]
    ends = [(y, said) for _, y, anchor, said in named if anchor == "end"]
    if len(ends) != 2 or not all(re.fullmatch(rf"[\d,.]+{unit}", said) for _, said in ends):
        yield f"its axis ends at {ends}"
        return
    (bottom, low), (top, high) = ((y, _number(said, unit)) for y, said in ends)
    axis = _Axis(low, high, bottom, top)
    if chart.kind is ChartKind.BAR and low != 0:
        yield f"bars begin at {low}"
    if not low < high or not all(map(axis.holds, values)):
        yield f"its axis goes from {low} to {high}, and its values are {values}"
        return
    if unit and high != 100:
        yield f"a share of {high} at most"

    tops = [Decimal(each) for each in _TOPS[chart.kind].findall(_curve(drawing, chart.kind))]
    if len(tops) != len(values):
        yield f"{len(tops)} of {len(values)} values are drawn"
    for value, y in zip(values, tops, strict=False):
        if abs(y - axis.height(value)) > _NEAR:
            yield f"{value} is drawn at {y}"

    targets = [(y, said) for kind, y, _, said in named if kind == "chart-text-strong"]
    target = None if chart.target is None else Decimal(chart.target)
    if target is not None and chart.target not in [
        each.value for each in section.table(chart.table).rows[-1].cells
    ]:
        yield f"a target of {target}, of which its table says nothing"
    inside = target is not None and axis.holds(target)
    if [said for _, said in targets] != ([f"{target}{unit}"] if inside else []):
        yield f"a target {[said for _, said in targets]} in place of {target}"
    elif target is not None and any(abs(y - axis.height(target)) > _NEAR for y, _ in targets):
        yield f"its target {target} is drawn elsewhere"

    points = [said for kind, _, anchor, said in named if anchor != "end" and kind != "chart-text-strong"]
    whole = [words(each) for each in along]
    if points not in [whole[::every] for every in range(1, len(whole) + 1)]:
        yield f"{points} below it in place of {whole}"


def _drawings(page: str) -> list[str]:
    """The charts among all that is drawn: they alone are described."""
    return [each for each in re.findall(r"<svg.*?</svg>", page, re.DOTALL) if "<desc>" in each]


def _curve(drawing: str, kind: ChartKind) -> str:
    """What the points are drawn with: all bars, or the one line."""
    if kind is ChartKind.BAR:
        return drawing
    (line,) = re.findall(r'class="chart-line" d="([^"]*)"', drawing)
    return str(line)


def _columns(section: Section, chart: Chart) -> tuple[list[str], list[Cell], str]:
    """What stands along and upwards, and the unit that every number of it has behind it."""
    table = section.table(chart.table)
    names = [each.id for each in table.columns]
    along, upwards = names.index(chart.category), names.index(chart.series[0])
    unit = "%" if table.columns[upwards].unit is Unit.PERCENT else ""
    return [display(row.cells[along]) for row in table.rows], [row.cells[upwards] for row in table.rows], unit


def _is_known(cell: Cell) -> bool:
    return cell.value is not None and cell.unit is not Unit.TEXT


def _number(said: str, unit: str) -> Decimal:
    return Decimal(said.removesuffix(unit).replace(",", ""))
