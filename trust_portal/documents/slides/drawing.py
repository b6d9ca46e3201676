"""A deck as PPTX (ECMA-376): slots to write into, data that are locked, native charts and tables, notes. The same deck,
the same bytes.
"""

from __future__ import annotations

import copy
from io import BytesIO
from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.enum.dml import MSO_LINE, MSO_THEME_COLOR
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.util import Inches, Pt

from trust_portal.documents.slides.fitting import (
    BODY,
    CELL,
    CELL_PAD,
    FIGURE_GAP,
    FIGURE_PAD,
    SMALL_CELL,
    WIDTH,
    Placed,
    Sheet,
    figure_rows,
    figure_setting,
    is_empty_slot,
    sheets,
)
from trust_portal.documents.slides.locking import SLOT, lock_data
from trust_portal.documents.slides.master import (
    COMMENTARY,
    CONTENT_TOP,
    IMPRINT,
    KICKER,
    LEFT,
    new_presentation,
)
from trust_portal.documents.slides.measuring import line_height
from trust_portal.documents.slides.model import (
    Deck,
    Figures,
    Grid,
    Heading,
    Notice,
    Plot,
    PlotKind,
    Tone,
    Words,
)
from trust_portal.documents.slides.packing import always_the_same
from trust_portal.documents.slides.xml import in_xml

_TONES = {
    Tone.GOOD: ("E4F0E8", "1B6B43"),
    Tone.WARN: ("F8EEDA", "855100"),
    Tone.MUTE: ("E9ECEA", "55625F"),
}
_RULE = "D3D9D5"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SERIES = (
    MSO_THEME_COLOR.ACCENT_1,
    MSO_THEME_COLOR.ACCENT_3,
    MSO_THEME_COLOR.ACCENT_2,
    MSO_THEME_COLOR.ACCENT_6,
)


def render_pptx(deck: Deck) -> bytes:
    """The whole deck. Blocking and CPU-bound, like ``render_pdf``."""
    deck = in_xml(deck)
    presentation = new_presentation()
    _properties(presentation.core_properties, deck)
    cover, content = presentation.slide_layouts
    _cover(presentation.slides.add_slide(cover), deck)
    for topic in deck.topics:
        for sheet in sheets(topic):
            _sheet(presentation.slides.add_slide(content), sheet)
    stream = BytesIO()
    presentation.save(stream)
    return always_the_same(stream.getvalue(), deck.created)


def _properties(properties: Any, deck: Deck) -> None:
    properties.title = deck.title
    properties.subject = deck.subtitle
    properties.author = properties.last_modified_by = deck.author
    properties.identifier = deck.identifier
    properties.language = "en"
    properties.revision = 1
    created = deck.created.replace(tzinfo=None, microsecond=0)
    properties.created = properties.modified = created


def _cover(slide: Any, deck: Deck) -> None:
    slide.shapes.title.text = deck.title
    slide.placeholders[1].text = deck.subtitle
    slide.placeholders[IMPRINT].text = "\n".join(deck.imprint)
    slide.notes_slide.notes_text_frame.text = "\n".join((deck.title, deck.subtitle, *deck.imprint))
    lock_data(slide)


def _sheet(slide: Any, sheet: Sheet) -> None:
    topic = sheet.topic
    title = topic.title if sheet.part == 1 else f"{topic.title} (continued)"
    slide.shapes.title.text = title
    slide.placeholders[KICKER].text = topic.kicker
    slot = slide.placeholders[COMMENTARY].element
    if not any(is_empty_slot(each.block) for each in sheet.placed):
        slot.getparent().remove(slot)
    _foot(slide, topic.source)
    for placed in sheet.placed:
        _draw(slide, placed)
    if topic.notes:
        slide.notes_slide.notes_text_frame.text = topic.notes
    lock_data(slide)


def _foot(slide: Any, source: str) -> None:
    """Source and page number: placeholders that the library leaves to whoever wants them."""
    for shape in slide.slide_layout.placeholders:
        kind = shape.element.ph.get("type")
        if kind not in {"ftr", "sldNum"}:
            continue
        own = copy.deepcopy(shape.element)
        own.nvSpPr.cNvPr.set("id", str(max(each.shape_id for each in slide.shapes) + 1))
        for inherited in list(own.spPr):
            own.spPr.remove(inherited)
        slide.shapes._spTree.append(own)  # noqa: SLF001 - no door to these
        if kind == "ftr":
            next(each for each in slide.shapes if each.element is own).text_frame.text = source


def _draw(slide: Any, placed: Placed) -> None:
    top = CONTENT_TOP + placed.top
    match placed.block:
        case Words() as words:
            _words(slide, words, top, placed.height)
        case Notice() as notice:
            _notice(slide, notice, top, placed.height)
        case Heading() as heading:
            _heading(slide, heading, top)
        case Figures() as figures:
            _figures(slide, figures, top)
        case Grid() as grid:
            _grid(slide, grid, placed, top)
        case Plot() as plot:
            _plot(slide, plot, top, placed.height)


def _box(slide: Any, left: float, top: float, width: float, height: float, name: str = "") -> Any:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    box.name = name or box.name
    frame = box.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    return frame


def _write(paragraph: Any, text: str, points: float, *, soft: bool = False, strong: bool = False) -> Any:
    run = paragraph.add_run()
    run.text = text
    run.font.size = Pt(points)
    run.font.bold = strong or None
    run.font.color.theme_color = MSO_THEME_COLOR.TEXT_2 if soft else MSO_THEME_COLOR.TEXT_1
    return run


def _words(slide: Any, words: Words, top: float, height: float) -> None:
    if is_empty_slot(words):
        slot = slide.placeholders[COMMENTARY]
        slot.name = SLOT
        slot.left, slot.top, slot.width, slot.height = map(Inches, (LEFT, top, WIDTH, height))
        return
    frame = _box(slide, LEFT, top, WIDTH, height, SLOT if words.free else "")
    paragraphs = [(words.strong, True)] if words.strong else []
    paragraphs += [(each, False) for each in words.paragraphs]
    for at, (text, strong) in enumerate(paragraphs):
        paragraph = frame.paragraphs[0] if at == 0 else frame.add_paragraph()
        paragraph.space_after = Pt(0 if strong else 6)
        _write(paragraph, text, CELL if strong else BODY, soft=strong, strong=strong)


def _notice(slide: Any, notice: Notice, top: float, height: float) -> None:
    wash, edge = _TONES[notice.tone]
    for left, width, colour in ((LEFT, WIDTH, wash), (LEFT, 0.06, edge)):
        shape = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor.from_string(colour)
    frame = _box(slide, LEFT + 0.25, top + 0.1, WIDTH - 0.5, height - 0.2)
    _write(frame.paragraphs[0], notice.text, CELL + 1)


def _heading(slide: Any, heading: Heading, top: float) -> None:
    for text, points, soft in ((heading.text, BODY, False), (heading.source, SMALL_CELL, True)):
        frame = _box(slide, LEFT, top, WIDTH, line_height(points))
        _write(frame.paragraphs[0], text, points, soft=soft, strong=not soft)
        top += line_height(points)


def _figures(slide: Any, figures: Figures, top: float) -> None:
    _, points = figure_setting(figures)
    for row, width, labels, values in figure_rows(figures):
        for at, (label, value) in enumerate(row.items):
            left = LEFT + at * (width + FIGURE_GAP)
            frame = _box(slide, left, top, width, labels)
            _write(frame.paragraphs[0], label, CELL, soft=True)
            number = _box(slide, left, top + labels, width, values)
            run = _write(number.paragraphs[0], value, points)
            run.font.name = "+mj-lt"
        top += labels + values + FIGURE_PAD


def _grid(slide: Any, grid: Grid, placed: Placed, top: float) -> None:
    if grid.title:
        frame = _box(slide, LEFT, top, WIDTH, line_height(CELL + 1))
        _write(frame.paragraphs[0], grid.title, CELL + 1, strong=True)
        top += line_height(CELL + 1) + 0.1
    if not grid.rows:
        frame = _box(slide, LEFT, top, WIDTH, line_height(CELL + 1))
        _write(frame.paragraphs[0], grid.empty, CELL + 1, soft=True)
        return
    shape = slide.shapes.add_table(
        len(grid.rows) + 1,
        len(grid.columns),
        Inches(LEFT),
        Inches(top),
        Inches(WIDTH),
        Inches(sum(placed.rows)),
    )
    shape.name = grid.title or "Table"
    table = shape.table
    table.first_row, table.horz_banding = True, False
    style = table._tbl.tblPr.find(f"{{{_A}}}tableStyleId")  # noqa: SLF001
    style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # "No Style, No Grid": the rules are ours
    for at, width in enumerate(placed.widths):
        table.columns[at].width = Inches(width)
    for number, height in enumerate(placed.rows):
        table.rows[number].height = Inches(height)
    header = tuple(each.label for each in grid.columns)
    for number, row in enumerate((header, *grid.rows)):
        for at, text in enumerate(row):
            cell = table.cell(number, at)
            _cell(cell, text, placed.points, head=number == 0, numeric=grid.columns[at].numeric)


def _cell(cell: Any, text: str, points: float, *, head: bool, numeric: bool) -> None:
    pad_y, pad_x = (Inches(each) for each in CELL_PAD)
    cell.margin_top = cell.margin_bottom = pad_y
    cell.margin_left = cell.margin_right = pad_x
    cell.vertical_anchor = MSO_ANCHOR.BOTTOM if head else MSO_ANCHOR.TOP
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT if numeric else PP_ALIGN.LEFT
    _write(paragraph, text, points, soft=head, strong=head)
    width, colour = (12_700, "7D8A86") if head else (6_350, _RULE)
    rule = parse_xml(
        f'<a:lnB xmlns:a="{_A}" w="{width}"><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></a:lnB>'
    )
    cell._tc.get_or_add_tcPr().insert(0, rule)  # noqa: SLF001 - no door to borders


def _plot(slide: Any, plot: Plot, top: float, height: float) -> None:
    frame = _box(slide, LEFT, top, WIDTH, line_height(CELL + 1))
    _write(frame.paragraphs[0], plot.title, CELL + 1, strong=True)
    top, height = top + line_height(CELL + 1), height - line_height(CELL + 1)
    data = CategoryChartData(number_format=plot.number_format)
    data.categories = plot.categories
    for name, values in plot.series:
        data.add_series(name, values)
    if plot.target is not None:
        data.add_series("Target", [plot.target] * len(plot.categories))
    kind = XL_CHART_TYPE.LINE_MARKERS if plot.kind is PlotKind.LINE else XL_CHART_TYPE.COLUMN_CLUSTERED
    shape = slide.shapes.add_chart(kind, Inches(LEFT), Inches(top), Inches(WIDTH), Inches(height), data)
    shape.name = plot.title
    shape._element.nvGraphicFramePr.cNvPr.set("descr", plot.title)  # noqa: SLF001
    chart = shape.chart
    chart.has_title = False
    chart.font.size = Pt(10)
    chart.font.color.theme_color = MSO_THEME_COLOR.TEXT_2
    chart.has_legend = len(plot.series) + (plot.target is not None) > 1
    if chart.has_legend:
        chart.legend.position = XL_LEGEND_POSITION.BOTTOM
        chart.legend.include_in_layout = False
    _axes(chart, plot)
    for at, series in enumerate(chart.plots[0].series):
        target = plot.target is not None and at == len(plot.series)
        _series(series, plot.kind, at, target=target)
        if target and len(plot.categories) == 1:
            # A line through one point is none.
            series.marker.style = XL_MARKER_STYLE.DASH
            series.marker.size = 12
    if plot.kind is PlotKind.BAR:
        chart.plots[0].gap_width = 70


def _axes(chart: Any, plot: Plot) -> None:
    value, category = chart.value_axis, chart.category_axis
    if plot.kind is PlotKind.BAR and all(
        each >= 0 for _, values in plot.series for each in values if each is not None
    ):
        value.minimum_scale = 0
    if plot.span is not None:
        value.minimum_scale, value.maximum_scale = map(float, plot.span)
    value.major_gridlines.format.line.color.rgb = RGBColor.from_string(_RULE)
    value.major_gridlines.format.line.width = Pt(0.5)
    value.format.line.fill.background()
    value.tick_labels.number_format = plot.axis_format or plot.number_format
    value.tick_labels.number_format_is_linked = False
    category.format.line.color.rgb = RGBColor.from_string("7D8A86")
    category.has_major_gridlines = False


def _series(series: Any, kind: PlotKind, at: int, *, target: bool) -> None:
    colour = MSO_THEME_COLOR.TEXT_1 if target else _SERIES[at % len(_SERIES)]
    if kind is PlotKind.BAR:
        series.format.fill.solid()
        series.format.fill.fore_color.theme_color = colour
        return
    series.smooth = False
    series.format.line.color.theme_color = colour
    series.format.line.width = Pt(1.25 if target else 2.25)
    if target:
        series.format.line.dash_style = MSO_LINE.DASH
        series.marker.style = XL_MARKER_STYLE.NONE
        return
    series.marker.style = XL_MARKER_STYLE.CIRCLE
    series.marker.size = 6
    series.marker.format.fill.solid()
    series.marker.format.fill.fore_color.theme_color = colour
    series.marker.format.line.color.theme_color = colour
