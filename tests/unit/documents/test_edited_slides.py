"""Slides that somebody edited are compared with those that were signed: data count, what is there to be written does not."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.util import Inches, Pt

from trust_portal.documents.slides.comparison import differences
from trust_portal.documents.slides.drawing import render_pptx
from trust_portal.documents.slides.locking import SLOT
from trust_portal.documents.slides.model import Column, Deck, Figures, Grid, Plot, PlotKind, Topic, Words
from trust_portal.documents.slides.reading import NotADeck, read_deck

pytestmark = pytest.mark.takes(seconds=20)

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_LEVELS = "slide 2, Service levels"
_CHART = "slide 3, Service levels (continued)"
_USAGE = "slide 4, Usage"
_PLOT = f"{_CHART}, chart Attained by month"
_DRAWN = "chart/plotArea/lineChart"
_SLOT_ELSEWHERE = "stands elsewhere than it was signed, is larger, or is turned"

SIGNED = render_pptx(
    Deck(
        "Quarterly business review",
        "Northwind Traders",
        ("Aurora Cloud",),
        "Aurora Cloud",
        datetime(2026, 7, 2, 9, tzinfo=UTC),
        "sha256:abc",
        (
            Topic(
                "Service levels",
                "Fresh",
                "Source: signed SLA reports",
                (
                    Words(("In June the API was down for 41 min.",)),
                    Figures((("Attained", "99.9 %"), (f"Promised {'for every month ' * 8}", "99.95 %"))),
                    Words(("",), strong="Commentary", free=True),
                    Plot(
                        "Attained by month",
                        PlotKind.LINE,
                        ("May", "June"),
                        (("API", (Decimal("99.98"), Decimal("99.9"))),),
                    ),
                ),
                notes="Lead with June.",
            ),
            Topic(
                "Usage",
                "Fresh",
                "Source: closed hours of usage",
                (
                    Grid(
                        "Cost",
                        (Column("Month"), Column("Cost", numeric=True)),
                        (("May", "EUR 10.00"), ("June", "EUR 12.00")),
                        "None.",
                    ),
                ),
            ),
        ),
    )
)


READ = read_deck(SIGNED)


def edited(change: Callable[[Any], object]) -> bytes:
    presentation = Presentation(BytesIO(SIGNED))
    change(presentation)
    out = BytesIO()
    presentation.save(out)
    return out.getvalue()


def found(content: bytes) -> list[tuple[str, str]]:
    return [(each.place, each.message) for each in differences(READ, read_deck(content))]


def named(presentation: Any, slide: int, text: str) -> Any:
    return next(
        each
        for each in presentation.slides[slide - 1].shapes
        if each.has_text_frame and each.text_frame.text.startswith(text)
    )


def write(shape: Any, text: str) -> None:
    shape.text_frame.paragraphs[0].runs[0].text = text


def chart_of(presentation: Any) -> Any:
    return next(each for each in presentation.slides[2].shapes if each.has_chart)


def table_of(presentation: Any) -> Any:
    return next(each for each in presentation.slides[3].shapes if each.has_table)


def slot_of(presentation: Any) -> Any:
    return next(each for each in presentation.slides[1].shapes if each.name == SLOT)


def move(presentation: Any, old: int, new: int) -> None:
    slides = presentation.slides._sldIdLst
    each = slides[old - 1]
    slides.remove(each)
    slides.insert(new - 1, each)


def test_all_but_the_slots_is_locked_and_master_and_layouts_are_not() -> None:
    presentation = Presentation(BytesIO(SIGNED))
    free, locked = 0, 0
    for slide in presentation.slides:
        for shape in slide.shapes:
            if shape.has_chart or shape.has_table:
                (locks,) = shape.element.iter(f"{_A}graphicFrameLocks")
                assert {name: locks.get(name) for name in ("noSelect", "noDrilldown", "noMove", "noResize")} == {
                    "noSelect": "1", "noDrilldown": "1", "noMove": "1", "noResize": "1",
                }  # fmt: skip
                locked += 1
            elif shape.name == SLOT:
                assert list(shape.element.iter(f"{_A}spLocks")) == []
                free += 1
            else:
                (locks,) = shape.element.iter(f"{_A}spLocks")
                assert (locks.get("noTextEdit"), locks.get("noMove")) == ("1", "1"), shape.name
                locked += 1
    assert (free, locked) == (1, 24)
    for page in (presentation.slide_master, *presentation.slide_layouts):
        assert [each for each in page.element.iter(f"{_A}spLocks") if each.get("noTextEdit")] == []


def _commentary(presentation: Any) -> None:
    slot = slot_of(presentation)
    slot.text_frame.text = "The export was ours.\nIt is throttled, and stays so."
    # A text that is longer makes its box higher, where nothing stands below.
    slot.left, slot.width, slot.height = slot.left + Inches(1), Inches(6), Inches(3)
    presentation.slides[1].notes_slide.notes_text_frame.text = "Say it slowly."


def _look(presentation: Any) -> None:
    number = named(presentation, 2, "99.9 %")
    number.text_frame.paragraphs[0].runs[0].font.size = Pt(40)
    number.text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor(0xAA, 0, 0)
    for shape in presentation.slide_master.placeholders:
        shape.top = shape.top + Inches(0.2)
        shape.text_frame.text = "Northwind's own look"
    number.left = number.left + 360


def _slot_is_gone(presentation: Any) -> None:
    slot_of(presentation).element.getparent().remove(slot_of(presentation).element)


def _chart_as_an_office_program_writes_it(presentation: Any) -> None:
    space = chart_of(presentation).chart._chartSpace
    outer = etree.Element(f"{_MC}AlternateContent")
    etree.SubElement(etree.SubElement(outer, f"{_MC}Choice", Requires="c14"), "{urn:c14}style", val="102")
    etree.SubElement(etree.SubElement(outer, f"{_MC}Fallback"), f"{_C}style", val="2")
    space.insert(0, outer)
    labels = etree.SubElement(space.find(".//{*}lineChart"), f"{_C}dLbls")
    for each in ("LegendKey", "Val", "CatName", "SerName", "Percent", "BubbleSize"):
        etree.SubElement(labels, f"{_C}show{each}", val="0")
    extensions = etree.SubElement(space.find(".//{*}ser"), f"{_C}extLst")
    etree.SubElement(etree.SubElement(extensions, f"{_C}ext", uri="{}"), "{urn:c16}uniqueId", val="{0}")
    etree.SubElement(space.find(".//{*}catAx"), f"{_C}numFmt", formatCode="General", sourceLinked="1")
    space.findall(".//{*}val//{*}v")[1].text = "99.900000000000006"


@pytest.mark.parametrize(
    "change", [lambda _: None, _commentary, _look, _slot_is_gone, _chart_as_an_office_program_writes_it]
)
def test_what_is_free_may_be_anything(change: Callable[[Any], object]) -> None:
    assert found(edited(change)) == []


def page_number(presentation: Any) -> Any:
    return next(each for each in presentation.slides[1].shapes if each.name == "Page")


def _number_is_a_figure(presentation: Any) -> None:
    number, figure = page_number(presentation), named(presentation, 2, "99.9 %")
    number.text_frame.text = "99.99 %"
    number.left, number.top, number.width, number.height = (
        figure.left,
        figure.top,
        figure.width,
        figure.height,
    )
    number.fill.solid()
    number.fill.fore_color.rgb = RGBColor(255, 255, 255)


def _field_says_more(presentation: Any) -> None:
    page_number(presentation).element.find(f".//{_A}fld/{_A}t").text = "99.99 %"


def _compatible(presentation: Any) -> None:
    _cover_up(presentation)
    tree = presentation.slides[1].shapes._spTree
    outer = etree.SubElement(tree, f"{_MC}AlternateContent")
    etree.SubElement(outer, f"{_MC}Choice", Requires="a14").append(tree[-2])


def _equation(presentation: Any) -> None:
    paragraph = named(presentation, 2, "99.9 %").text_frame.paragraphs[0]._p
    outer = etree.SubElement(paragraph, f"{_MC}AlternateContent")
    etree.SubElement(etree.SubElement(outer, f"{_MC}Choice", Requires="a14"), f"{_A}t").text = "9"


def _unknown_element(presentation: Any) -> None:
    etree.SubElement(presentation.slides[1].shapes._spTree, "{urn:later}drawing")


def _all_scaled(presentation: Any) -> None:
    presentation.slides[1].shapes._spTree.grpSpPr.get_or_add_xfrm().set("rot", "0")
    xfrm = presentation.slides[1].shapes._spTree.grpSpPr.find(f"{_A}xfrm")
    for tag, size in (("ext", "1"), ("chExt", "2")):
        etree.SubElement(xfrm, f"{_A}{tag}", cx=size, cy=size)


def _chart_title(presentation: Any) -> None:
    chart_of(presentation).chart.chart_title.text_frame.text = "Attained: 99.99 %"


def _typed_label(presentation: Any) -> None:
    series = chart_of(presentation).chart.plots[0].series[0]
    series.points[1].data_label.text_frame.text = "99.99"


def _axis_format(presentation: Any) -> None:
    chart_of(presentation).chart.value_axis.tick_labels.number_format = '"99.99"'


def _axis_cut(presentation: Any) -> None:
    chart_of(presentation).chart.value_axis.minimum_scale = 99


def _labels_of_a_format(presentation: Any) -> None:
    plot = chart_of(presentation).chart.plots[0]
    plot.has_data_labels = True
    labels = plot.data_labels
    labels.show_value, labels.number_format = True, '"99.99"'


def _format_of_a_point(presentation: Any) -> None:
    points = chart_of(presentation).chart._chartSpace.findall(".//{*}val//{*}pt")
    points[1].set("formatCode", '"99.99"')


def _drawn_upon(presentation: Any) -> None:
    space = chart_of(presentation).chart._chartSpace
    etree.SubElement(space, f"{_C}userShapes", {f"{_R}id": "rId9"})


def _chart_picture(presentation: Any) -> None:
    space = chart_of(presentation).chart._chartSpace
    etree.SubElement(etree.SubElement(etree.SubElement(space, f"{_C}spPr"), f"{_A}blipFill"), f"{_A}blip")


def _series_before(presentation: Any) -> None:
    series = chart_of(presentation).chart._chartSpace.find(".//{*}ser")
    false = copy.deepcopy(series)
    for value, shown in zip(false.findall(".//{*}val//{*}v"), ("99.99", "100"), strict=True):
        value.text = shown
    series.addprevious(false)


def _category(presentation: Any) -> None:
    chart_of(presentation).chart._chartSpace.findall(".//{*}cat//{*}v")[1].text = "July"


def _title_moved(presentation: Any) -> None:
    title, figure = presentation.slides[1].shapes.title, named(presentation, 2, "99.9 %")
    title.left, title.top, title.width, title.height = figure.left, figure.top, figure.width, figure.height


def _layout_moved(presentation: Any) -> None:
    kicker = next(each for each in presentation.slide_layouts[1].placeholders if each.name == "Kicker")
    kicker.top = kicker.top + Inches(2)


def _slot_moved(presentation: Any) -> None:
    slot, figure = slot_of(presentation), named(presentation, 2, "99.9 %")
    slot.text_frame.text, slot.top = "99.99 %", figure.top


def _slot_wider(presentation: Any) -> None:
    slot_of(presentation).width = slot_of(presentation).width + Inches(0.5)


def _slot_down_to_the_foot(presentation: Any) -> None:
    slot_of(presentation).height = Inches(6)


def _slot_turned(presentation: Any) -> None:
    slot_of(presentation).rotation = 90


def _label_laid_over(presentation: Any) -> None:
    label = named(presentation, 2, "Attained")
    label.height = label.height + Inches(0.3)


def _chart_flat(presentation: Any) -> None:
    chart_of(presentation).height = Inches(1)


def _figure_turned(presentation: Any) -> None:
    named(presentation, 2, "99.9 %").rotation = 180


def _figure_is_a_picture(presentation: Any) -> None:
    properties = named(presentation, 2, "99.9 %").element.spPr
    etree.SubElement(etree.SubElement(properties, f"{_A}blipFill"), f"{_A}blip")


def _column_narrow(presentation: Any) -> None:
    table_of(presentation).table.columns[1].width = 0


def _cells_merged(presentation: Any) -> None:
    cell = table_of(presentation).table.cell
    cell(1, 1)._tc.set("rowSpan", "2")
    cell(2, 1)._tc.set("vMerge", "1")


def _point(presentation: Any) -> None:
    values = chart_of(presentation).chart._chartSpace.findall(".//{*}val//{*}v")
    values[1].text = "99.99"


def _series(presentation: Any) -> None:
    data = CategoryChartData()
    data.categories = ("May", "June")
    data.add_series("API", (99.98, 99.95))
    chart_of(presentation).chart.replace_data(data)


def _workbook(presentation: Any) -> None:
    part = chart_of(presentation).chart.part.chart_workbook.xlsx_part
    out = BytesIO()
    with ZipFile(BytesIO(part.blob)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>99.9</v>", b"<v>99.99</v>"))
    part._blob = out.getvalue()


def _cover_up(presentation: Any) -> None:
    box = presentation.slides[1].shapes.add_textbox(Inches(1), Inches(2), Inches(3), Inches(1))
    box.text_frame.text = "99.99 %"


def _second_slot(presentation: Any) -> None:
    slot = slot_of(presentation).element
    slot.addnext(copy.deepcopy(slot))


def _hide_slide(presentation: Any) -> None:
    presentation.slides[3].element.set("show", "0")


def _hide_shape(presentation: Any) -> None:
    named(presentation, 2, "In June").element.nvSpPr.cNvPr.set("hidden", "1")


def _remove_slide(presentation: Any) -> None:
    slides = presentation.slides._sldIdLst
    presentation.part.drop_rel(slides[3].rId)
    slides.remove(slides[3])


def _add_slide(presentation: Any) -> None:
    presentation.slides.add_slide(presentation.slide_layouts[1]).shapes.title.text = "What we really think"


def _swap_figures(presentation: Any) -> None:
    one, other = named(presentation, 2, "99.9 %"), named(presentation, 2, "99.95 %")
    one.left, other.left = other.left, one.left


def _row(presentation: Any) -> None:
    table = table_of(presentation).table._tbl
    table.remove(table.tr_lst[2])


ALTERED: dict[str, tuple[Callable[[Any], object], list[tuple[str, str]]]] = {
    "a figure": (
        lambda each: write(named(each, 2, "99.9 %"), "99.99 %"),
        [(f"{_LEVELS}, TextBox 7", "says “99.99 %”, signed was “99.9 %”")],
    ),
    "a sentence": (
        lambda each: write(named(each, 2, "In June"), "In June the API was up."),
        [
            (
                f"{_LEVELS}, TextBox 5",
                "says “In June the API was up.”, signed was “In June the API was down for 41 min.”",
            )
        ],
    ),
    "a source": (
        lambda each: write(named(each, 4, "Source"), "Source: hearsay"),
        [(f"{_USAGE}, Source", "says “Source: hearsay”, signed was “Source: closed hours of usage”")],
    ),
    "two figures change places": (
        _swap_figures,
        [
            (f"{_LEVELS}, TextBox 7", "stands elsewhere than it was signed"),
            (f"{_LEVELS}, TextBox 9", "stands elsewhere than it was signed"),
        ],
    ),
    "a table's cell": (
        lambda each: write(table_of(each).table.cell(2, 1), "EUR 9.00"),
        [(f"{_USAGE}, table Cost, row 3, column 2", "says “EUR 9.00”, signed was “EUR 12.00”")],
    ),
    "a table's row": (
        _row,
        [
            (f"{_USAGE}, table Cost, row 3, column 1", "says nothing, signed was “June”"),
            (f"{_USAGE}, table Cost, row 3, column 2", "says nothing, signed was “EUR 12.00”"),
        ],
    ),
    "a point": (
        _point,
        [
            (
                f"{_CHART}, chart Attained by month, API, point 2, June",
                "says “99.99”, signed was “99.9”",
            )
        ],
    ),
    "a cell of the workbook": (
        _workbook,
        [(f"{_CHART}, chart Attained by month, workbook Sheet1!B3", "says “99.99”, signed was “99.9”")],
    ),
    "point and workbook": (
        _series,
        [
            (f"{_CHART}, chart Attained by month, API, point 2, June", "says “99.95”, signed was “99.9”"),
            (f"{_CHART}, chart Attained by month, workbook Sheet1!B3", "says “99.95”, signed was “99.9”"),
        ],
    ),
    "something is laid over": (
        _cover_up,
        [(f"{_LEVELS}, TextBox 11", "was not signed: “99.99 %”")],
    ),
    "the page's number is made a figure and laid over one": (
        _number_is_a_figure,
        [
            (f"{_LEVELS}, Page", "stands elsewhere than it was signed"),
            (f"{_LEVELS}, Page", "says “99.99 %”, signed was nothing"),
        ],
    ),
    "the page's number shows something else": (
        _field_says_more,
        [(f"{_LEVELS}, Page", "says “[fld] 99.99 %”, signed was nothing")],
    ),
    "something is laid over that only some editors draw": (
        _compatible,
        [(f"{_LEVELS}, AlternateContent", "was not signed: “AlternateContent 99.99 %”")],
    ),
    "an equation beside a figure": (
        _equation,
        [(f"{_LEVELS}, TextBox 7", "says “99.9 %[AlternateContent] 9”, signed was “99.9 %”")],
    ),
    "an element that nobody knows": (
        _unknown_element,
        [(f"{_LEVELS}, drawing", "was not signed: “drawing”")],
    ),
    "all shapes scaled together": (
        _all_scaled,
        [(f"{_LEVELS}, all shapes", "was not signed: “moved or scaled together”")],
    ),
    "a chart's title": (
        _chart_title,
        [(f"{_PLOT}, chart/title/tx/rich", "says “Attained: 99.99 %”, signed was nothing")],
    ),
    "a label typed over": (
        _typed_label,
        [
            (f"{_PLOT}, {_DRAWN}/ser/dLbls/dLbl/tx/rich", "says “99.99”, signed was nothing"),
            (f"{_PLOT}, {_DRAWN}/ser/dLbls/dLbl/showVal", "says “1”, signed was nothing"),
        ],
    ),
    "an axis' format": (
        _axis_format,
        [(f"{_PLOT}, chart/plotArea/valAx/numFmt", 'says “"99.99" 0”, signed was “General 0”')],
    ),
    "an axis that is cut off": (
        _axis_cut,
        [(f"{_PLOT}, chart/plotArea/valAx/min", "says “99”, signed was nothing")],
    ),
    "labels with words for a format": (
        _labels_of_a_format,
        [
            (f"{_PLOT}, {_DRAWN}/dLbls/numFmt", 'says “"99.99" 0”, signed was nothing'),
            (f"{_PLOT}, {_DRAWN}/dLbls/showVal", "says “1”, signed was nothing"),
        ],
    ),
    "a point's format": (
        _format_of_a_point,
        [(f"{_PLOT}, {_DRAWN}/ser/val/pt 2/formatCode", 'says “"99.99"”, signed was nothing')],
    ),
    "a drawing upon a chart": (
        _drawn_upon,
        [(f"{_PLOT}, userShapes", "says “rId9”, signed was nothing")],
    ),
    "a picture behind a chart": (
        _chart_picture,
        [(f"{_PLOT}, picture", "says “a picture as a filling”, signed was nothing")],
    ),
    "a false series of the same name before the true one": (
        _series_before,
        [
            (f"{_PLOT}, API, point 1, May", "says “99.99”, signed was “99.98”"),
            (f"{_PLOT}, API, point 2, June", "says “100.0”, signed was “99.9”"),
            (f"{_PLOT}, series 2", "was not signed: “API”"),
        ],
    ),
    "a category": (_category, [(f"{_PLOT}, API, point 2", "says “July”, signed was “June”")]),
    "a title over a figure": (
        _title_moved,
        [(f"{_LEVELS}, Title 1", "stands elsewhere than it was signed")],
    ),
    "a layout's placeholder": (
        _layout_moved,
        [
            (f"{each}, Text Placeholder 2", "stands elsewhere than it was signed")
            for each in (_LEVELS, _CHART, _USAGE)
        ],
    ),
    "a slot over a figure": (_slot_moved, [(f"{_LEVELS}, Commentary", _SLOT_ELSEWHERE)]),
    "a wider slot": (_slot_wider, [(f"{_LEVELS}, Commentary", _SLOT_ELSEWHERE)]),
    "a slot over the source": (_slot_down_to_the_foot, [(f"{_LEVELS}, Commentary", _SLOT_ELSEWHERE)]),
    "a slot that is turned": (_slot_turned, [(f"{_LEVELS}, Commentary", _SLOT_ELSEWHERE)]),
    "a label over its figure": (
        _label_laid_over,
        [(f"{_LEVELS}, TextBox 6", "stands elsewhere than it was signed")],
    ),
    "a chart pressed flat": (_chart_flat, [(_PLOT, "stands elsewhere than it was signed")]),
    "a figure on its head": (
        _figure_turned,
        [(f"{_LEVELS}, TextBox 7", "is drawn “rot 10800000”, signed was nothing")],
    ),
    "a picture in a figure's box": (
        _figure_is_a_picture,
        [(f"{_LEVELS}, TextBox 7", "is drawn “filled with a picture”, signed was nothing")],
    ),
    "a column that cannot be seen": (
        _column_narrow,
        [
            (f"{_USAGE}, table Cost", "stands elsewhere than it was signed"),
            (f"{_USAGE}, table Cost, column 2", "has another width than was signed"),
        ],
    ),
    "a cell under another": (
        _cells_merged,
        [(f"{_USAGE}, table Cost, row 3, column 2", "says nothing, signed was “EUR 12.00”")],
    ),
    "another slot": (_second_slot, [(_LEVELS, "has more slots for commentary than were signed")]),
    "a hidden slide": (_hide_slide, [(_USAGE, "is hidden")]),
    "a hidden shape": (
        _hide_shape,
        [(f"{_LEVELS}, TextBox 5", "is missing: “In June the API was down for 41 min.”")],
    ),
    "a slide that is gone": (_remove_slide, [(_USAGE, "is missing, or stands elsewhere")]),
    "a slide that is new": (
        _add_slide,
        [("slide 5 of the edited deck, What we really think", "is no slide of the signed deck")],
    ),
    "slides in another order": (
        lambda each: move(each, 4, 3),
        [
            ("slide 3 of the edited deck, Usage", "is no slide of the signed deck"),
            (_USAGE, "is missing, or stands elsewhere"),
        ],
    ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_whatever_of_the_data_is_altered_is_named_and_nothing_else(name: str) -> None:
    change, said = ALTERED[name]
    assert found(edited(change)) == said


def test_an_office_that_saves_it_changes_nothing_that_is_compared(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    assert office is not None, "install libreoffice-impress"
    (tmp_path / "deck.pptx").write_bytes(edited(_commentary))
    subprocess.run(
        [office, f"-env:UserInstallation=file://{tmp_path / 'office'}", "--headless", "--convert-to", "pptx",
         "--outdir", str(tmp_path / "saved"), str(tmp_path / "deck.pptx")],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    saved = (tmp_path / "saved" / "deck.pptx").read_bytes()
    assert found(saved) == []
    slot = slot_of(Presentation(BytesIO(saved)))
    assert slot.text_frame.text == "The export was ours.\nIt is throttled, and stays so."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "BadZipFile"),
        (b"PK\x05\x06" + bytes(18), "KeyError"),
        (SIGNED[: len(SIGNED) // 2], "BadZipFile"),
    ],
)
def test_what_is_no_deck_is_said_to_be_none(content: bytes, why: str) -> None:
    with pytest.raises(NotADeck) as refused:
        read_deck(content)
    assert str(refused.value) == f"it cannot be read as a presentation ({why})"
