"""Where an edited deck says other data than the one it was made from. Pure, once both are read.

Free are what stands in the slots, the speaker's notes and the look: master, colours, faces and sizes of letters. All else
is data: the slides and their order, the text of every shape, tables cell by cell, charts with every title, label, format
and axis, the workbooks behind them, and where each shape stands, for a figure stands below its label. A text's height is
its editor's; neither it nor a slot may come to lie over anything that it did not lie over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from trust_portal.documents.slides.charts import ReadChart, ReadSeries
from trust_portal.documents.slides.reading import Page, Part, Place, ReadTable

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
    edited = _with_slots(signed, edited)
    if edited.hidden and not signed.hidden:
        yield Altered(place, "is hidden")
    if len(edited.slots) > len(signed.slots):
        yield Altered(place, "has more slots for commentary than were signed")
    yield from _slots(place, signed, edited)
    one, other = signed.data, edited.data
    if list(map(_kind, one)) == list(map(_kind, other)):
        for before, after in zip(one, other, strict=True):
            yield from _part(place, before, after, signed.parts)
        return
    keys = list(map(_key, one)), list(map(_key, other))
    for change, a, b, c, d in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if change == "equal":
            continue
        for part in one[a:b]:
            yield Altered(_at(place, part), f"is missing: {_told(part)}")
        for part in other[c:d]:
            yield Altered(_at(place, part), f"was not signed: {_told(part)}")


def _with_slots(signed: Page, edited: Page) -> Page:
    """An office that saves a deck gives placeholders names of its own: a text that keeps to a slot's place is that slot."""

    def is_slot(part: Part) -> bool:
        return (
            not (part.free or part.foreign)
            and isinstance(part.content, str)
            and any(_is_within(part.place, each, signed.parts) for each in signed.slots)
        )

    return replace(
        edited, parts=tuple(replace(each, free=each.free or is_slot(each)) for each in edited.parts)
    )


def _slots(place: str, signed: Page, edited: Page) -> Iterator[Altered]:
    for slot in edited.slots:
        if slot.drawn or not any(_is_within(slot.place, each, signed.parts) for each in signed.slots):
            yield Altered(
                f"{place}, {slot.name}", "stands elsewhere than it was signed, is larger, or is turned"
            )


def _is_within(place: Place | None, slot: Part, signed: Sequence[Part]) -> bool:
    """Whether it keeps to the slot's place. A text that is longer makes its box higher: that, too, where nothing is."""
    was = slot.place
    return (
        place is not None
        and was is not None
        and place.left >= was.left - _TOLERANCE
        and place.right <= was.right + _TOLERANCE
        and place.top >= was.top - _TOLERANCE
        and not _covers(place, slot, signed)
    )


def _covers(place: Place, part: Part, signed: Sequence[Part]) -> bool:
    """Whether at ``place`` it lies over what it did not lie over where it was signed."""
    return any(
        _meet(place, other.place) and not (part.place and _meet(part.place, other.place))
        for other in signed
        if other is not part and other.place is not None
    )


def _meet(one: Place, other: Place) -> bool:
    return (
        min(one.right, other.right) - max(one.left, other.left) > _TOLERANCE
        and min(one.bottom, other.bottom) - max(one.top, other.top) > _TOLERANCE
    )


def _part(place: str, signed: Part, edited: Part, beside: Sequence[Part]) -> Iterator[Altered]:
    at = _at(place, signed)
    if not _stands(signed, edited, beside):
        yield Altered(at, "stands elsewhere than it was signed")
    if signed.drawn != edited.drawn:
        yield Altered(
            at, f"is drawn {_quoted(', '.join(edited.drawn))}, signed was {_quoted(', '.join(signed.drawn))}"
        )
    match signed.content, edited.content:
        case ReadTable() as before, ReadTable() as after:
            yield from _table(at, before, after)
        case ReadChart() as before, ReadChart() as after:
            yield from _chart(at, before, after)
        case before, after:
            if before != after:
                yield Altered(at, _other(before, after))


def _stands(signed: Part, edited: Part, beside: Sequence[Part]) -> bool:
    one, other = signed.place, edited.place
    if one is None or other is None:
        return one is other
    pairs = [(one.left, other.left), (one.top, other.top), (one.width, other.width)]
    if isinstance(signed.content, ReadChart):
        pairs.append((one.height, other.height))
    return all(abs(a - b) <= _TOLERANCE for a, b in pairs) and not _covers(other, signed, beside)


def _table(place: str, signed: ReadTable, edited: ReadTable) -> Iterator[Altered]:
    for number, (one, other) in enumerate(zip_longest(signed.rows, edited.rows, fillvalue=()), 1):
        for column, (before, after) in enumerate(zip_longest(one, other), 1):
            if before != after:
                yield Altered(f"{place}, row {number}, column {column}", _other(before, after))
    for column, (wide, now) in enumerate(zip(signed.widths, edited.widths, strict=False), 1):
        if abs(wide - now) > _TOLERANCE:
            yield Altered(f"{place}, column {column}", "has another width than was signed")


def _chart(place: str, signed: ReadChart, edited: ReadChart) -> Iterator[Altered]:
    if signed.kind != edited.kind:
        yield Altered(place, f"is drawn as {edited.kind}, signed was {signed.kind}")
    for at, (one, other) in enumerate(zip_longest(signed.series, edited.series), 1):
        yield from _series(place, at, one, other)
    for path in {**signed.said, **edited.said}:
        before, after = signed.said.get(path), edited.said.get(path)
        if before != after:
            yield Altered(f"{place}, {path}", _other(before, after))
    # A deck without the workbook shows the points alone, and they are compared; a second set of numbers has to agree.
    if signed.cells is not None and edited.cells is not None:
        for cell in {**signed.cells, **edited.cells}:
            before, after = signed.cells.get(cell), edited.cells.get(cell)
            if before != after:
                yield Altered(f"{place}, workbook {cell}", _other(before, after))


def _series(place: str, at: int, signed: ReadSeries | None, edited: ReadSeries | None) -> Iterator[Altered]:
    if signed is None or edited is None:
        said = "is missing" if edited is None else "was not signed"
        name = (signed or edited or ReadSeries("", ())).name
        yield Altered(f"{place}, series {at}", f"{said}: {_quoted(name)}")
        return
    if signed.name != edited.name:
        yield Altered(f"{place}, series {at}", _other(signed.name, edited.name))
    for number, (one, other) in enumerate(zip_longest(signed.points, edited.points, fillvalue=("", "")), 1):
        if one[0] != other[0]:
            yield Altered(f"{place}, {signed.name}, point {number}", _other(one[0], other[0]))
        if one[1] != other[1]:
            yield Altered(f"{place}, {signed.name}, point {number}, {one[0]}", _other(one[1], other[1]))


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
