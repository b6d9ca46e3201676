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

#: The light palette of static/css/tokens.css; a test holds the two together.
COLOURS = {
    "chart-up": "#a9c4bd",
    "chart-down": "#a3271b",
    "chart-excluded": "#c79a4b",
    "chart-unknown": "#8a9591",
    "chart-line": "#0c5a5d",
    "chart-target": "#17211f",
    "rule": "#d3d9d5",
    "ink-soft": "#4b5855",
    "ink": "#17211f",
}
_WIDTH = 720


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
    step = Decimal(_WIDTH) / max(len(days), 1)
    side = int(min(step - 3, Decimal(30)))
    parts = []
    for at, day in enumerate(days):
        x = int(at * step)
        parts.append(f"<g><title>{escape(day.note)}</title>{_day_shape(day.state, x, 22, side)}</g>")
        if day.mark:
            parts.append(_text(x + side // 2, 15, day.mark, anchor="middle", size=13, strong=True))
        if at % 7 == 0:
            middle = at > 0  # the first label would leave the drawing
            label_x, anchor = (x + side // 2, "middle") if middle else (x, "start")
            parts.append(_text(label_x, 22 + side + 18, day.label, anchor=anchor, size=12))
    return _svg(_WIDTH, 22 + side + 24, title, description, "".join(parts))


def _day_shape(state: DayState, x: int, y: int, side: int) -> str:
    square = f"M{x} {y}h{side}v{side}h-{side}z"
    if state is DayState.UP:
        return _path("chart-up", square)
    if state is DayState.DOWN:
        half = side // 2 - 1  # a broken square: told from a whole one without its colour
        return _path(
            "chart-down", f"M{x} {y}h{side}v{half}h-{side}zM{x} {y + side - half}h{side}v{half}h-{side}z"
        )
    if state is DayState.EXCLUDED:
        return _path("chart-up", square) + _path("chart-excluded", f"M{x} {y}h{side}l-{side} {side}z")
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
    frame = _Frame(low, high, len(points))
    parts = [frame.axes(unit)]
    if target is not None and low <= target <= high:
        y = frame.y(target)
        parts.append(
            f'<path class="chart-target" d="M{frame.left} {y}H{frame.right}" stroke="{COLOURS["chart-target"]}"'
            ' stroke-width="1" stroke-dasharray="5 4"/>'
        )
        parts.append(_text(frame.right + 6, y + Decimal(4), f"{target}{unit}", size=12, strong=True))
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
    return _svg(_WIDTH, frame.height, title, description, "".join(parts))


def bar_chart(
    points: Sequence[Point], *, title: str, description: str, high: Decimal | None = None, unit: str = ""
) -> Markup:
    """Upright bars from zero; an unknown value is a gap. Negative values are refused."""
    known = [point.value for point in points if point.value is not None]
    if any(value < 0 for value in known):
        raise ValueError("a bar chart here starts at zero")
    frame = _Frame(Decimal(0), high or max([*known, Decimal(1)]), len(points))
    parts = [frame.axes(unit)]
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
    return _svg(_WIDTH, frame.height, title, description, "".join(parts))


class _Frame:
    """The plotting area: where a value and a position lie, its axis and its labels."""

    left, right, top, bottom, height = 54, 650, 14, 164, 190

    def __init__(self, low: Decimal, high: Decimal, count: int) -> None:
        if low >= high:
            raise ValueError("the lower end of an axis lies below its upper end")
        self.low, self.high = low, high
        self.count = max(count, 1)
        self.step = Decimal(self.right - self.left) / self.count

    def y(self, value: Decimal) -> Decimal:
        share = (value - self.low) / (self.high - self.low)
        return _tenth(self.bottom - share * (self.bottom - self.top))

    def edge(self, at: int) -> Decimal:
        return _tenth(self.left + at * self.step)

    def x(self, at: int) -> Decimal:
        return _tenth(self.left + (Decimal(at) + Decimal("0.5")) * self.step)

    def axes(self, unit: str) -> str:
        parts = []
        for value in (self.low, self.high):
            y = self.y(value)
            parts.append(
                f'<path class="chart-axis" d="M{self.left} {y}H{self.right}" stroke="{COLOURS["rule"]}" stroke-width="1"/>'
            )
            parts.append(_text(self.left - 8, y + Decimal(4), f"{value}{unit}", anchor="end", size=12))
        return "".join(parts)

    def labels(self, labels: Sequence[str]) -> str:
        every = max(len(labels) // 6, 1)
        return "".join(
            _text(self.x(at), self.bottom + 20, label, anchor="middle", size=12)
            for at, label in enumerate(labels)
            if at % every == 0
        )


def _tenth(value: Decimal) -> Decimal:
    rounded = value.quantize(Decimal("0.1"))
    whole = rounded.to_integral_value()
    return whole if whole == rounded else rounded


def _path(name: str, d: str) -> str:
    return f'<path class="{name}" d="{d}" fill="{COLOURS[name]}"/>'


def _text(
    x: Decimal | int,
    y: Decimal | int,
    text: str,
    *,
    anchor: str = "start",
    size: int = 12,
    strong: bool = False,
) -> str:
    name, colour = ("chart-text-strong", "ink") if strong else ("chart-text", "ink-soft")
    return (
        f'<text class="{name}" x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"'
        f' font-family="House Sans"{" font-weight=" + chr(34) + "600" + chr(34) if strong else ""}'
        f' fill="{COLOURS[colour]}">{escape(text)}</text>'
    )


def _svg(width: int, height: int, title: str, description: str, body: str) -> Markup:
    return Markup(  # noqa: S704 - every text inside went through escape()
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title)}. {escape(description)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )
