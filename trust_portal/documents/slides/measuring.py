"""How much room text takes. Pure; in inches and points.

The reader's machine chooses the face if it lacks ours, so widths are those of a wide one: what fits here fits there.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_LINE: Final = 1.25
_POINTS: Final = 72
_NARROW: Final = frozenset("iljI.,:;'|!()[] ftr-/\u00a0")
_BROAD: Final = frozenset("mwMW@%—…")


def text_width(text: str, points: float) -> float:
    """Inches that a line of text takes at most."""
    return sum(map(_advance, text)) * points / _POINTS


def wrapped(text: str, points: float, width: float) -> list[str]:
    """The lines of a text within ``width`` inches; a word that is wider is cut."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if text_width(longer, points) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            line = word
            while text_width(line, points) > width:
                cut = max(_most(line, points, width), 1)
                lines.append(line[:cut])
                line = line[cut:]
        lines.append(line)
    return lines


def line_height(points: float) -> float:
    return points * _LINE / _POINTS


def _most(text: str, points: float, width: float) -> int:
    used = 0.0
    for at, character in enumerate(text):
        used += _advance(character) * points / _POINTS
        if used > width:
            return at
    return len(text)


def _advance(character: str) -> float:
    """In ems, of a wide sans serif."""
    if character in _NARROW:
        return 0.41
    if character in _BROAD:
        return 0.98
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return 0.74 if character.isupper() else 0.64
