"""The course of a cost: what it was, what was expected, and what happened meanwhile, in one drawing.

Every mark has a letter that the list beside the drawing repeats, so that nothing rests on a colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from string import ascii_uppercase

from markupsafe import Markup, escape

from trust_portal.documents.drawing import COLOURS, WIDTH, Frame, ceiling, svg, tenth, text_at

_HOUR = timedelta(hours=1)
#: Marks closer together than this many units stand in rows above each other.
_APART = 17
_ROWS = 4
_ROW = 19


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour by its start, its label on the axis, and its amounts; ``None`` where nothing is known."""

    at: datetime
    label: str
    actual: Decimal | None
    expected: Decimal | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened ``at``. ``square`` tells work that was done from changes that were made."""

    at: datetime
    letter: str
    note: str
    square: bool = False


def letter(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    over, rest = divmod(number, len(ascii_uppercase))
    return (letter(over - 1) if over else "") + ascii_uppercase[rest]


def course_chart(
    hours: Sequence[Hour],
    *,
    title: str,
    description: str,
    span: tuple[datetime, datetime],
    marks: Sequence[Mark] = (),
) -> Markup:
    """Consecutive ``hours`` as steps; ``span`` (end exclusive) is shaded. ``ValueError`` without an hour."""
    if not hours:
        raise ValueError("a course has at least one hour")
    amounts = [each for hour in hours for each in (hour.actual, hour.expected) if each is not None]
    least, most = min([Decimal(0), *amounts]), max([Decimal(0), *amounts])
    low, high = -ceiling(-least) if least else Decimal(0), ceiling(most)
    inside = sorted(
        (each for each in marks if hours[0].at <= each.at < hours[-1].at + _HOUR),
        key=lambda each: (each.at, each.letter),
    )
    rows = _rows(Frame(low, high, len(hours)), hours, inside)
    frame = Frame(low, high, len(hours), top=16 + _ROW * (max(rows, default=-1) + 1), tall=170)
    parts = [
        _shade(frame, hours, span),
        frame.axes(),
        *_marks(frame, hours, list(zip(inside, rows, strict=True))),
        _steps(
            frame, [hour.expected for hour in hours], "chart-expected", "ink-soft", ' stroke-dasharray="5 4"'
        ),
        _steps(frame, [hour.actual for hour in hours], "chart-line", "chart-line", ""),
        *_names(frame, hours),
        frame.labels([hour.label for hour in hours]),
    ]
    return svg(WIDTH, frame.height, title, description, "".join(parts))


def _shade(frame: Frame, hours: Sequence[Hour], span: tuple[datetime, datetime]) -> str:
    left, right = (_place(frame, hours, at) for at in span)
    return (
        f'<path class="chart-span" d="M{left} {frame.top}H{right}V{frame.bottom}H{left}z"'
        f' fill="{COLOURS["rule"]}" fill-opacity="0.5"/>'
    )


def _rows(frame: Frame, hours: Sequence[Hour], marks: Sequence[Mark]) -> list[int]:
    """The row of each mark above the drawing, 0 the lowest; the last row takes what no other can."""
    ends = [Decimal(-_APART)] * _ROWS
    rows = []
    for mark in marks:
        x = _place(frame, hours, mark.at)
        row = next((row for row, end in enumerate(ends) if x - end >= _APART), _ROWS - 1)
        ends[row] = x
        rows.append(row)
    return rows


def _marks(frame: Frame, hours: Sequence[Hour], marks: Sequence[tuple[Mark, int]]) -> list[str]:
    parts = []
    for mark, row in marks:
        x = _place(frame, hours, mark.at)
        y = frame.top - 10 - _ROW * row
        outline = (
            f"M{x - 7} {y - 7}h14v14h-14z" if mark.square else f"M{x - 8} {y}a8 8 0 1 1 16 0a8 8 0 1 1 -16 0z"
        )
        parts.append(
            f"<g><title>{escape(mark.letter)}: {escape(mark.note)}</title>"
            f'<path class="chart-mark-line" d="M{x} {y + 8}V{frame.bottom}" stroke="{COLOURS["chart-unknown"]}" stroke-width="1"/>'
            f'<path class="chart-mark" d="{outline}" fill="#ffffff" stroke="{COLOURS["ink"]}" stroke-width="1.2"/>'
            f"{text_at(x, y + 4, mark.letter, anchor='middle', size=11, strong=True)}</g>"
        )
    return parts


def _steps(frame: Frame, values: Sequence[Decimal | None], name: str, colour: str, dash: str) -> str:
    runs: list[str] = []
    pen_down = False
    for at, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        runs.append(f"{'V' if pen_down else f'M{frame.edge(at)} '}{frame.y(value)}H{frame.edge(at + 1)}")
        pen_down = True
    return (
        f'<path class="{name}" d="{"".join(runs)}" fill="none" stroke="{COLOURS[colour]}" stroke-width="2"{dash}/>'
        if runs
        else ""
    )


def _names(frame: Frame, hours: Sequence[Hour]) -> list[str]:
    """Each line is named at its end; names that would touch are moved apart."""
    found = [
        (name, next((frame.y(each) for each in reversed(values) if each is not None), None))
        for name, values in (
            ("cost", [hour.actual for hour in hours]),
            ("expected", [hour.expected for hour in hours]),
        )
    ]
    placed = sorted(((y, name) for name, y in found if y is not None), key=lambda each: (each[0], each[1]))
    parts, before = [], Decimal(-100)
    for y, name in placed:
        at = max(y + 4, before + 14)
        parts.append(text_at(frame.right + 8, at, name, size=12, strong=name == "cost"))
        before = at
    return parts


def _place(frame: Frame, hours: Sequence[Hour], at: datetime) -> Decimal:
    """Where a moment lies on the axis, kept inside of it."""
    passed = Decimal(int((at - hours[0].at).total_seconds())) / 3600
    return tenth(frame.left + min(max(passed, Decimal(0)), Decimal(len(hours))) * frame.step)
