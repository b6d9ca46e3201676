"""What a deck says, read back from its file: the text of every shape, tables, and charts with their workbooks.

The file may come from anybody and have been through any editor. What an editor changes by itself is passed over: white
space, how a number is spelled, the number of the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from zipfile import ZipFile

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml

from trust_portal.documents.slides.locking import SLOT

#: More than this, unpacked, is no deck of ours.
_MOST_BYTES: Final = 128 << 20
_SHEET: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Place = tuple[int, int]


class NotADeck(Exception):
    """The file is no presentation that can be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ReadTable:
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ReadChart:
    """``points`` and ``cells`` are numbers in their shortest spelling, or words; ``cells`` are those of the workbook
    behind it, by ``Sheet1!B2``, None where the deck brings none.
    """

    kind: str
    points: dict[tuple[str, str], str]
    cells: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Part:
    """One shape. ``place`` is where it stands (EMU from left and top), None where the layout says; ``content`` its
    text, its table or its chart, and of anything else what kind it is.
    """

    name: str
    free: bool
    place: Place | None
    content: str | ReadTable | ReadChart
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One slide as it is shown: what is hidden is not there."""

    title: str
    hidden: bool
    parts: tuple[Part, ...] = ()

    @property
    def data(self) -> tuple[Part, ...]:
        return tuple(each for each in self.parts if not each.free)


def read_deck(content: bytes) -> tuple[Page, ...]:
    """The slides in their order. Raises ``NotADeck``."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > _MOST_BYTES:
                raise NotADeck("it is larger than any deck that was signed")
        return tuple(_page(each) for each in Presentation(BytesIO(content)).slides)
    except NotADeck:
        raise
    except Exception as error:
        raise NotADeck(f"it cannot be read as a presentation ({type(error).__name__})") from error


def _page(slide: Any) -> Page:
    title = slide.shapes.title
    return Page(
        "" if title is None else _plain(title.text),
        slide.element.get("show") in {"0", "false"},
        tuple(_part(each) for each in slide.shapes if not _is_hidden(each)),
    )


def _part(shape: Any) -> Part:
    placeholder = shape.is_placeholder
    place = None if placeholder else (int(shape.left or 0), int(shape.top or 0))
    free = shape.name == SLOT and shape.has_text_frame
    if shape.has_chart:
        return Part(shape.name, free, place, _chart(shape.chart))
    if shape.has_table:
        rows = tuple(tuple(_plain(cell.text) for cell in row.cells) for row in shape.table.rows)
        return Part(shape.name, free, place, ReadTable(rows))
    if not shape.has_text_frame:
        return Part(shape.name, free, place, str(shape.shape_type), foreign=True)
    if placeholder and shape.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER:
        return Part(shape.name, free, place, "")
    return Part(shape.name, free, place, _plain(shape.text_frame.text))


def _chart(chart: Any) -> ReadChart:
    points = {}
    for plot in chart.plots:
        names = [str(each) for each in plot.categories]
        for series in plot.series:
            for at, value in enumerate(series.values):
                name = names[at] if at < len(names) else str(at + 1)
                points[_plain(series.name), f"{at + 1}, {_plain(name)}"] = (
                    "" if value is None else _number(value)
                )
    return ReadChart(str(chart.chart_type), points, _cells(chart.part))


def _cells(part: Any) -> dict[str, str] | None:
    try:
        workbook = part.chart_workbook.xlsx_part
    except KeyError:
        workbook = None
    if workbook is None:
        return None
    with ZipFile(BytesIO(workbook.blob)) as archive:
        if sum(each.file_size for each in archive.infolist()) > _MOST_BYTES:
            raise NotADeck("a workbook in it is larger than any that was signed")
        files = {name: archive.read(name) for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    shared = []
    if "xl/sharedStrings.xml" in files:
        shared = [_text(each) for each in parse_xml(files["xl/sharedStrings.xml"]).iter(f"{_SHEET}si")]
    targets = {each.get("Id"): each.get("Target") for each in parse_xml(files["xl/_rels/workbook.xml.rels"])}
    found = {}
    for sheet in parse_xml(files["xl/workbook.xml"]).iter(f"{_SHEET}sheet"):
        target = str(targets[sheet.get(_REL)]).removeprefix("/xl/")
        for cell in parse_xml(files[f"xl/{target}"]).iter(f"{_SHEET}c"):
            value = _cell(cell, shared)
            if value:
                found[f"{sheet.get('name')}!{cell.get('r')}"] = value
    return found


def _cell(cell: Any, shared: list[str]) -> str:
    formula, value = cell.find(f"{_SHEET}f"), cell.findtext(f"{_SHEET}v") or ""
    if formula is not None:
        return f"={formula.text or ''}"
    match cell.get("t", "n"):
        case "s":
            return shared[int(value)]
        case "inlineStr":
            return _text(cell)
        case "n":
            return _number(value) if value else ""
        case _:
            return _plain(value)


def _text(element: Any) -> str:
    return _plain("".join(each.text or "" for each in element.iter(f"{_SHEET}t")))


def _is_hidden(shape: Any) -> bool:
    def named() -> Iterator[Any]:
        for each in shape.element.iter():
            if str(each.tag).endswith("}cNvPr"):
                yield each
                return

    return any(each.get("hidden") in {"1", "true"} for each in named())


def _number(value: object) -> str:
    """Editors write the same double in other digits."""
    return repr(float(str(value)))


def _plain(text: str) -> str:
    return " ".join(text.split())
