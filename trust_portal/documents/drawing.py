"""What every drawing is made of: the palette, the plotting area with its axis and labels, and SVG text.

Colours are presentation attributes: paper uses them, on screen the style sheet's classes override
them. Coordinates are integers or tenths, never a float's full tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup, escape

from trust_portal.documents.lettering import width_of

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
    """The plotting area: where a value and a position lie, its axis and its labels.

    What stands left of it takes the room that its longest label needs, and so does ``beside`` right of it.
    """

    def __init__(
        self,
        low: Decimal,
        high: Decimal,
        count: int,
        *,
        top: int = 14,
        tall: int = 150,
        unit: str = "",
        beside: str = "",
    ) -> None:
        if low >= high:
            raise ValueError("the lower end of an axis lies below its upper end")
        self.low, self.high, self.unit = low, high, unit
        self.left = max(54, 10 + max(int(width_of(self._said(each), 12)) for each in (low, high)))
        self.right = min(650, WIDTH - 10 - int(width_of(beside, 12)))
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

    def axes(self) -> str:
        parts = []
        for value in (self.low, self.high):
            y = self.y(value)
            parts.append(
                f'<path class="chart-axis" d="M{self.left} {y}H{self.right}" stroke="{COLOURS["rule"]}" stroke-width="1"/>'
            )
            parts.append(text_at(self.left - 8, y + Decimal(4), self._said(value), anchor="end", size=12))
        return "".join(parts)

    def labels(self, labels: Sequence[str]) -> str:
        """As many as there is room for, each whole."""
        widest = max((width_of(each, 12) for each in labels), default=Decimal(0))
        every = max(len(labels) // 6, int(widest / self.step) + 1)
        return "".join(
            centred(self.x(at), self.bottom + 20, label) for at, label in enumerate(labels) if at % every == 0
        )

    def _said(self, value: Decimal) -> str:
        return f"{value:,f}{self.unit}"


def ceiling(value: Decimal) -> Decimal:
    """The next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten: an end of an axis that can be read."""
    if value <= 0:
        return Decimal(1)
    power = Decimal(1).scaleb(value.adjusted())
    steps = (Decimal(1), Decimal("1.5"), Decimal(2), Decimal("2.5"), Decimal(3), Decimal(4), Decimal(5),
             Decimal(6), Decimal(8), Decimal(10))  # fmt: skip
    found = next(step * power for step in steps if step * power >= value)
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found.normalize()


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


def centred(x: Decimal | int, y: Decimal | int, text: str, *, size: int = 12, strong: bool = False) -> str:
    """A text around ``x``, moved as far as it takes to lie within the drawing."""
    half = width_of(text, size) / 2
    inside = tenth(max(half, min(Decimal(x), WIDTH - half)))
    return text_at(inside, y, text, anchor="middle", size=size, strong=strong)


def svg(width: int, height: int, title: str, description: str, body: str) -> Markup:
    return Markup(  # noqa: S704 - every text inside went through escape()
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title)}. {escape(description)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )
