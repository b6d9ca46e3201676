"""Where an edited deck says other data than the one it was made from. Pure, once both are read.

Free are the slots, the speaker's notes and the look: master, colours, faces and sizes. All else is data: the slides and
their order, the text of every shape, tables cell by cell, charts point by point, the workbooks behind them, and where
each shape stands, for a figure stands below its label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from trust_portal.documents.slides.reading import Page, Part, ReadChart, ReadTable

#: How far a shape may stray (EMU): editors round to hundredths of a millimetre.
_TOLERANCE: Final = 18_288
_NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Altered:
    """``place`` names the slide as it is numbered in the signed deck, and what on it; ``message`` says both sides."""

    place: str
    message: str


def differences(signed: Sequence[Page], edited: Sequence[Page]) -> Iterator[Altered]:
    """Every difference in data, slide by slide."""
    titles = [each.title for each in signed], [each.title for each in edited]
    for change, a, b, c, d in SequenceMatcher(None, *titles, autojunk=False).get_opcodes():
        if change in {"equal", "replace"} and b - a == d - c:
            for number, (one, other) in enumerate(zip(signed[a:b], edited[c:d], strict=True), a + 1):
                yield from _page(f"slide {number}, {one.title}", one, other)
            continue
        for number, page in enumerate(signed[a:b], a + 1):
            yield Altered(f"slide {number}, {page.title}", "is missing, or stands elsewhere")
        for number, page in enumerate(edited[c:d], c + 1):
            yield Altered(
                f"slide {number} of the edited deck, {page.title}", "is no slide of the signed deck"
            )


def _page(place: str, signed: Page, edited: Page) -> Iterator[Altered]:
    if edited.hidden and not signed.hidden:
        yield Altered(place, "is hidden")
    if sum(each.free for each in edited.parts) > sum(each.free for each in signed.parts):
        yield Altered(place, "has more slots for commentary than were signed")
    one, other = signed.data, edited.data
    if list(map(_kind, one)) == list(map(_kind, other)):
        for before, after in zip(one, other, strict=True):
            yield from _part(place, before, after)
        return
    keys = list(map(_key, one)), list(map(_key, other))
    for change, a, b, c, d in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if change == "equal":
            continue
        for part in one[a:b]:
            yield Altered(_at(place, part), f"is missing: {_told(part)}")
        for part in other[c:d]:
            yield Altered(_at(place, part), f"was not signed: {_told(part)}")


def _part(place: str, signed: Part, edited: Part) -> Iterator[Altered]:
    at = _at(place, signed)
    if signed.place is not None and edited.place is not None:
        strayed = max(abs(a - b) for a, b in zip(signed.place, edited.place, strict=True))
        if strayed > _TOLERANCE:
            yield Altered(at, "stands elsewhere than it was signed")
    match signed.content, edited.content:
        case ReadTable() as before, ReadTable() as after:
            yield from _table(at, before, after)
        case ReadChart() as before, ReadChart() as after:
            yield from _chart(at, before, after)
        case before, after:
            if before != after:
                yield Altered(at, _other(before, after))


def _table(place: str, signed: ReadTable, edited: ReadTable) -> Iterator[Altered]:
    for number, (one, other) in enumerate(zip_longest(signed.rows, edited.rows, fillvalue=()), 1):
        for column, (before, after) in enumerate(zip_longest(one, other), 1):
            if before != after:
                yield Altered(f"{place}, row {number}, column {column}", _other(before, after))


def _chart(place: str, signed: ReadChart, edited: ReadChart) -> Iterator[Altered]:
    if signed.kind != edited.kind:
        yield Altered(place, f"is drawn as {edited.kind}, signed was {signed.kind}")
    for key in {**signed.points, **edited.points}:
        before, after = signed.points.get(key), edited.points.get(key)
        if before != after:
            yield Altered(f"{place}, {key[0]}, point {key[1]}", _other(before, after))
    # A deck without the workbook shows the points alone, and they are compared; a second set of numbers has to agree.
    if signed.cells is not None and edited.cells is not None:
        for cell in {**signed.cells, **edited.cells}:
            before, after = signed.cells.get(cell), edited.cells.get(cell)
            if before != after:
                yield Altered(f"{place}, workbook {cell}", _other(before, after))


def _other(signed: object, edited: object) -> str:
    return f"says {_quoted(edited)}, signed was {_quoted(signed)}"


def _quoted(value: object) -> str:
    return f"“{value}”" if value else _NOTHING


def _kind(part: Part) -> tuple[str, bool]:
    return type(part.content).__name__, part.foreign


def _key(part: Part) -> tuple[str, str]:
    return type(part.content).__name__, _told(part)


def _told(part: Part) -> str:
    match part.content:
        case ReadTable(rows):
            return f"table of {len(rows)} rows, {' · '.join(rows[0]) if rows else ''}"
        case ReadChart(kind):
            return f"chart {part.name}, {kind}"
        case text:
            return _quoted(text)


def _at(place: str, part: Part) -> str:
    match part.content:
        case ReadTable():
            return f"{place}, table {part.name}"
        case ReadChart():
            return f"{place}, chart {part.name}"
        case _:
            return f"{place}, {part.name}"
