"""What every drawing is made of: the palette, the plotting area with its axis and labels, and SVG text.

Colours are presentation attributes: paper uses them, on screen the style sheet's classes override
them. Coordinates are integers or tenths, never a float's full tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

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
WIDTH = 720


class Frame:
    """The plotting area: where a value and a position lie, its axis and its labels."""

    left, right = 54, 650

    def __init__(self, low: Decimal, high: Decimal, count: int, *, top: int = 14, tall: int = 150) -> None:
        if low >= high:
            raise ValueError("the lower end of an axis lies below its upper end")
        self.low, self.high = low, high
        self.top, self.bottom, self.height = top, top + tall, top + tall + 26
        self.count = max(count, 1)
        self.step = Decimal(self.right - self.left) / self.count

    def y(self, value: Decimal) -> Decimal:
        share = (value - self.low) / (self.high - self.low)
        return tenth(self.bottom - share * (self.bottom - self.top))

    def edge(self, at: int) -> Decimal:
        return tenth(self.left + at * self.step)

    def x(self, at: int) -> Decimal:
        return tenth(self.left + (Decimal(at) + Decimal("0.5")) * self.step)

    def axes(self, unit: str) -> str:
        parts = []
        for value in (self.low, self.high):
            y = self.y(value)
            parts.append(
                f'<path class="chart-axis" d="M{self.left} {y}H{self.right}" stroke="{COLOURS["rule"]}" stroke-width="1"/>'
            )
            parts.append(text_at(self.left - 8, y + Decimal(4), f"{value:,f}{unit}", anchor="end", size=12))
        return "".join(parts)

    def labels(self, labels: Sequence[str]) -> str:
        every = max(len(labels) // 6, 1)
        return "".join(
            text_at(self.x(at), self.bottom + 20, label, anchor="middle", size=12)
            for at, label in enumerate(labels)
            if at % every == 0
        )


def tenth(value: Decimal) -> Decimal:
    rounded = value.quantize(Decimal("0.1"))
    whole = rounded.to_integral_value()
    return whole if whole == rounded else rounded


def path(name: str, d: str) -> str:
    return f'<path class="{name}" d="{d}" fill="{COLOURS[name]}"/>'


def text_at(
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


def svg(width: int, height: int, title: str, description: str, body: str) -> Markup:
    return Markup(  # noqa: S704 - every text inside went through escape()
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title)}. {escape(description)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )
