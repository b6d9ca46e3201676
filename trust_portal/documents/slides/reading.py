"""What a deck says, read back from its file: the text of every shape, tables, and charts with their workbooks.

The file may come from anybody and have been through any editor. What an editor changes by itself is passed over: white
space, how a number is spelled, the number of the page. The tree of a slide is walked element by element, for the library
passes over what it does not know, and an office program draws it nevertheless.
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
from pptx.shapes.shapetree import SlideShapeFactory

from trust_portal.documents.slides.charts import ReadChart, read_chart
from trust_portal.documents.slides.locking import SLOT
from trust_portal.documents.slides.text import number, plain, words_in

#: More than this, unpacked, is no deck of ours.
_MOST_BYTES: Final = 128 << 20
_SHEET: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

#: What the library makes a shape of.
_SHAPES: Final = frozenset({"sp", "grpSp", "graphicFrame", "cxnSp", "pic"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shape stands and how large it is, in EMU from the slide's left and top."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height


class NotADeck(Exception):
    """The file is no presentation that can be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ReadTable:
    """``widths`` are those of the columns (EMU): a column without one is not seen. So is a cell under a merged one, which
    says nothing.
    """

    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One shape. ``place`` is its own or the layout's, None where neither says one; ``content`` its text, its table or
    its chart, and of anything else what it is; ``drawn`` what of its drawing changes what is read: turned, another
    outline, a picture as its filling.
    """

    name: str
    free: bool
    place: Place | None
    content: str | ReadTable | ReadChart
    foreign: bool = False
    drawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One slide as it is shown: what is hidden is not there."""

    title: str
    hidden: bool
    parts: tuple[Part, ...] = ()

    @property
    def data(self) -> tuple[Part, ...]:
        return tuple(each for each in self.parts if not each.free)

    @property
    def slots(self) -> tuple[Part, ...]:
        return tuple(each for each in self.parts if each.free)


def read_deck(content: bytes) -> tuple[Page, ...]:
    """The slides in their order. Raises ``NotADeck``."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > _MOST_BYTES:
                raise NotADeck("it is larger than any deck that was signed")
        return tuple(
            _page(each, number) for number, each in enumerate(Presentation(BytesIO(content)).slides, 1)
        )
    except NotADeck:
        raise
    except Exception as error:
        raise NotADeck(f"it cannot be read as a presentation ({type(error).__name__})") from error


def _page(slide: Any, number: int) -> Page:
    title = slide.shapes.title
    return Page(
        "" if title is None else plain(title.text),
        slide.element.get("show") in {"0", "false"},
        tuple(_parts(slide, number)),
    )


def _parts(slide: Any, number: int) -> Iterator[Part]:
    common = slide.element.cSld
    for element in common:
        if _tag(element) in {"controls", "custDataLst"}:
            yield _unknown(element)
    tree = common.spTree
    for element in tree:
        tag = _tag(element)
        if tag == "grpSpPr" and _is_scaled(element):
            yield Part("all shapes", False, None, "moved or scaled together", foreign=True)
        elif tag in _SHAPES:
            shape = SlideShapeFactory(element, slide.shapes)
            if not _is_hidden(shape):
                yield _part(shape, number)
        elif tag not in {"", "nvGrpSpPr", "grpSpPr"}:
            yield _unknown(element)


def _unknown(element: Any) -> Part:
    said = plain(" ".join(each.text or "" for each in element.iter() if _tag(each) == "t"))
    return Part(_tag(element), False, None, f"{_tag(element)} {said}".strip(), foreign=True)


def _is_scaled(properties: Any) -> bool:
    found = {_tag(each): dict(each.attrib) for each in properties.iter()}
    return found.get("off") != found.get("chOff") or found.get("ext") != found.get("chExt")


def _part(shape: Any, page: int) -> Part:
    free = shape.name == SLOT and shape.has_text_frame
    place, drawn = _place(shape), tuple(_drawn(shape, free=free))
    if shape.has_chart:
        chart = read_chart(shape.chart, _cells(shape.chart.part))
        return Part(shape.name, free, place, chart, drawn=drawn)
    if shape.has_table:
        return Part(shape.name, free, place, _table(shape.table), drawn=drawn)
    if not shape.has_text_frame:
        return Part(shape.name, free, place, str(shape.shape_type), foreign=True)
    numbered = shape.is_placeholder and shape.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER
    said = words_in(shape.text_frame._txBody, page if numbered else None)  # noqa: SLF001 - fields and equations
    return Part(shape.name, free, place, said, drawn=drawn)


def _place(shape: Any) -> Place | None:
    sides = (shape.left, shape.top, shape.width, shape.height)
    return None if None in sides else Place(*(int(each) for each in sides))


def _drawn(shape: Any, *, free: bool) -> Iterator[str]:
    for each in shape.element.iter():
        match _tag(each):
            case "xfrm":
                turned = " ".join(
                    f"{name} {each.get(name)}"
                    for name in ("rot", "flipH", "flipV")
                    if each.get(name, "0") not in {"0", "false"}
                )
                if turned:
                    yield turned
            case "prstGeom" if each.get("prst") != "rect":
                yield f"outline {each.get('prst')}"
            case "custGeom":
                yield "an outline of its own"
            case "blip" if not free:
                yield "filled with a picture"


def _table(table: Any) -> ReadTable:
    rows = tuple(
        tuple("" if cell.is_spanned else words_in(cell._tc.txBody) for cell in row.cells)  # noqa: SLF001
        for row in table.rows
    )
    return ReadTable(rows, tuple(int(each.width) for each in table.columns))


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
            return number(value) if value else ""
        case _:
            return plain(value)


def _text(element: Any) -> str:
    return plain("".join(each.text or "" for each in element.iter(f"{_SHEET}t")))


def _is_hidden(shape: Any) -> bool:
    def named() -> Iterator[Any]:
        for each in shape.element.iter():
            if str(each.tag).endswith("}cNvPr"):
                yield each
                return

    return any(each.get("hidden") in {"1", "true"} for each in named())


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
