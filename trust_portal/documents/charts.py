"""Charts as accessible inline SVG. Pure functions from numbers to markup, the same input, the same text.

Each drawing is one image to assistive technology, with a name and a description that says in words
what the drawing shows; the table it was drawn from stands beside it (macro ``blocks.chart``).
Colours are presentation attributes: paper uses them, on screen the style sheet's classes override
them, so no inline style is needed and both themes work. Coordinates are integers or tenths, never a
float's full tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from markupsafe import Markup, escape

from trust_portal.documents.drawing import COLOURS, WIDTH, Frame, ceiling, centred, path, svg, text_at


class DayState(StrEnum):
    """How a day of the strip is drawn. Each has a shape of its own besides its colour."""

    UP = "up"
    DOWN = "down"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Day:
    """``label`` under the strip (shown where there is room), ``mark`` above it, ``note`` as the tooltip."""

    label: str
    state: DayState
    note: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One position of a line or bar chart; ``value`` is ``None`` where nothing is known."""

    label: str
    value: Decimal | None


def day_strip(days: Sequence[Day], *, title: str, description: str) -> Markup:
    """One square a day: whole = up, broken with its minutes above = down, two-toned = excluded, hollow = unknown."""
    step = Decimal(WIDTH) / max(len(days), 1)
    side = int(min(step - 3, Decimal(30)))
    parts = []
    for at, day in enumerate(days):
        x = int(at * step)
        parts.append(f"<g><title>{escape(day.note)}</title>{_day_shape(day.state, x, 22, side)}</g>")
        if day.mark:
            # A whole day has four digits, and may stand beside another one.
            parts.append(
                centred(x + side // 2, 15, day.mark, size=13 if len(day.mark) < 4 else 10, strong=True)
            )
        if at % 7 == 0:
            middle = at > 0  # the first label would leave the drawing
            label_x, anchor = (x + side // 2, "middle") if middle else (x, "start")
            parts.append(text_at(label_x, 22 + side + 18, day.label, anchor=anchor, size=12))
    return svg(WIDTH, 22 + side + 24, title, description, "".join(parts))


def _day_shape(state: DayState, x: int, y: int, side: int) -> str:
    square = f"M{x} {y}h{side}v{side}h-{side}z"
    if state is DayState.UP:
        return path("chart-up", square)
    if state is DayState.DOWN:
        half = side // 2 - 1  # a broken square: told from a whole one without its colour
        return path(
            "chart-down", f"M{x} {y}h{side}v{half}h-{side}zM{x} {y + side - half}h{side}v{half}h-{side}z"
        )
    if state is DayState.EXCLUDED:
        return path("chart-up", square) + path("chart-excluded", f"M{x} {y}h{side}l-{side} {side}z")
    hollow = f"M{x + 1} {y + 1}h{side - 2}v{side - 2}h-{side - 2}z"
    dash = ' stroke-dasharray="2 3"' if state is DayState.OUTSIDE else ""
    return f'<path class="chart-unknown" d="{hollow}" fill="none" stroke="{COLOURS["chart-unknown"]}" stroke-width="1.5"{dash}/>'


def line_chart(
    points: Sequence[Point],
    *,
    title: str,
    description: str,
    low: Decimal,
    high: Decimal,
    target: Decimal | None = None,
    unit: str = "",
    stepped: bool = False,
) -> Markup:
    """A line (or steps) between ``low`` and ``high``, broken where a value is unknown.

    ``target`` is a dashed line named at its end. ``ValueError`` if ``low`` is not below ``high``.
    """
    named = target is not None and low <= target <= high
    frame = Frame(low, high, len(points), unit=unit, beside=f"{target}{unit}" if named else "")
    parts = [frame.axes()]
    if target is not None and named:
        y = frame.y(target)
        parts.append(
            f'<path class="chart-target" d="M{frame.left} {y}H{frame.right}" stroke="{COLOURS["chart-target"]}"'
            ' stroke-width="1" stroke-dasharray="5 4"/>'
        )
        parts.append(text_at(frame.right + 6, y + Decimal(4), f"{target}{unit}", size=12, strong=True))
    runs: list[str] = []
    pen_down = False
    for at, point in enumerate(points):
        if point.value is None:
            pen_down = False
            continue
        y = frame.y(min(max(point.value, low), high))
        if stepped:
            start, end = frame.edge(at), frame.edge(at + 1)
            runs.append(f"{'V' if pen_down else f'M{start} '}{y}H{end}")
        else:
            runs.append(f"{'L' if pen_down else 'M'}{frame.x(at)} {y}")
        pen_down = True
    parts.append(
        f'<path class="chart-line" d="{"".join(runs)}" fill="none" stroke="{COLOURS["chart-line"]}" stroke-width="2"/>'
    )
    parts.append(frame.labels([point.label for point in points]))
    return svg(WIDTH, frame.height, title, description, "".join(parts))


def bar_chart(
    points: Sequence[Point], *, title: str, description: str, high: Decimal | None = None, unit: str = ""
) -> Markup:
    """Upright bars from zero to a round number; an unknown value is a gap. Negative values are refused."""
    known = [point.value for point in points if point.value is not None]
    if any(value < 0 for value in known):
        raise ValueError("a bar chart here starts at zero")
    frame = Frame(Decimal(0), high or ceiling(max([*known, Decimal(1)])), len(points), unit=unit)
    parts = [frame.axes()]
    width = max(int(frame.step * Decimal("0.62")), 1)
    for at, point in enumerate(points):
        if point.value is None:
            continue
        y = frame.y(min(point.value, frame.high))
        parts.append(
            f"<g><title>{escape(f'{point.label}: {point.value}{unit}')}</title>"
            f'<path class="chart-bar" d="M{int(frame.x(at)) - width // 2} {y}h{width}V{frame.bottom}h-{width}z"'
            f' fill="{COLOURS["chart-line"]}"/></g>'
        )
    parts.append(frame.labels([point.label for point in points]))
    return svg(WIDTH, frame.height, title, description, "".join(parts))
