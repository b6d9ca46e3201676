"""A deck opens where people open decks, holds what it was given, and never more on a slide than it can."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pptx import Presentation
from support.office import pdf_text_of

from trust_portal.documents.slides.charts import ReadChart
from trust_portal.documents.slides.drawing import render_pptx
from trust_portal.documents.slides.fitting import (
    BOLD,
    CELL,
    CELL_PAD,
    HEIGHT,
    WIDTH,
    figure_rows,
    figure_setting,
    sheets,
)
from trust_portal.documents.slides.master import PAGE, THEME
from trust_portal.documents.slides.measuring import text_width, wrapped
from trust_portal.documents.slides.model import (
    Column,
    Deck,
    Figures,
    Grid,
    Heading,
    Notice,
    Plot,
    PlotKind,
    Tone,
    Topic,
    Words,
)
from trust_portal.documents.slides.packing import always_the_same
from trust_portal.documents.slides.reading import ReadTable, read_deck
from trust_portal.documents.slides.xml import in_xml
from trust_portal.runtime.shipped import shipped

pytestmark = pytest.mark.takes(seconds=12)

CREATED = datetime(2026, 7, 2, 9, tzinfo=UTC)
ATTAINED = tuple(map(Decimal, ("99.99", "99.98", "99.900463")))


def _deck(rows: int = 23) -> Deck:
    levels = Topic(
        "Service levels",
        "Fresh, as of 1 July 2026",
        "Source: signed SLA reports",
        (
            Notice("It is 40 d old, and may be 35 d.", Tone.WARN),
            Figures((("Attained", "99.900463 %"), ("Credits", "EUR 1,250.50"))),
            Words(("In June the API was down for 41 min.",)),
            Plot(
                "Attained by month",
                PlotKind.LINE,
                ("April", "May", "June"),
                (("API", ATTAINED),),
                Decimal("99.95"),
                "0.00",
            ),
        ),
        notes="Lead with the month that was missed.",
    )
    incidents = Topic(
        "Incidents",
        "Fresh",
        "Source: the record of incidents",
        (
            Grid(
                "Major incidents",
                (Column("Incident"), Column("Minutes", numeric=True)),
                tuple((f"Incident {each} " + "of some length " * 12, str(each)) for each in range(rows)),
                "There were none.",
            ),
            Plot(
                "Cost by month",
                PlotKind.BAR,
                ("May", "June"),
                (("EUR", (Decimal("1200.55"), None)),),
            ),
        ),
    )
    return Deck(
        "Quarterly business review",
        "Northwind Traders",
        ("Aurora Cloud",),
        "Aurora Cloud",
        CREATED,
        "sha256:abc",
        (levels, incidents),
    )


@pytest.fixture(scope="module")
def content() -> bytes:
    return render_pptx(_deck())


@pytest.fixture(scope="module")
def presentation(content):
    return Presentation(BytesIO(content))


def test_what_is_in_it_can_be_read_and_edited_as_text_tables_and_charts(presentation) -> None:
    slides = list(presentation.slides)
    titles = [each.shapes.title.text for each in slides]
    assert titles[:3] == ["Quarterly business review", "Service levels", "Incidents"]
    assert set(titles[3:]) == {"Incidents (continued)"}
    texts = [each.text_frame.text for each in slides[1].shapes if each.has_text_frame]
    assert {"99.900463 %", "EUR 1,250.50", "Fresh, as of 1 July 2026", "Source: signed SLA reports"} <= {
        *texts
    }
    assert slides[1].notes_slide.notes_text_frame.text == "Lead with the month that was missed."
    chart = next(each.chart for each in slides[1].shapes if each.has_chart)
    assert [each.name for each in chart.plots[0].series] == ["API", "Target"]
    assert list(chart.plots[0].categories) == ["April", "May", "June"]
    assert chart.plots[0].series[0].values == (99.99, 99.98, 99.900463)
    bars = next(each.chart for each in slides[-1].shapes if each.has_chart)
    assert bars.plots[0].series[0].values == (1200.55, None)


def test_the_workbook_behind_a_chart_has_its_values(presentation) -> None:
    chart = next(each.chart for each in presentation.slides[1].shapes if each.has_chart)
    book = ZipFile(BytesIO(chart.part.chart_workbook.xlsx_part.blob))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert re.findall(r'<c r="B\d"[^>]*><v>(9[^<]+)</v>', sheet) == ["99.99", "99.98", "99.900463"]


def test_every_page_but_the_first_says_its_source_and_its_number(presentation) -> None:
    for slide in list(presentation.slides)[1:]:
        kinds = {each.element.ph.get("type") for each in slide.placeholders}
        assert {"ftr", "sldNum", "title"} <= kinds


def test_long_tables_go_on_with_every_row_once_and_the_heading_again(presentation) -> None:
    tables = [each.table for slide in presentation.slides for each in slide.shapes if each.has_table]
    assert len(tables) > 1
    assert {table.cell(0, 1).text for table in tables} == {"Minutes"}
    rows = [row.cells[1].text for table in tables for row in list(table.rows)[1:]]
    assert rows == [str(each) for each in range(23)]


def test_nothing_lies_outside_of_a_slide_or_over_its_foot(presentation) -> None:
    for slide in presentation.slides:
        for shape in slide.shapes:
            if shape.is_placeholder:
                continue
            right, bottom = ((shape.left + shape.width) / 914400, (shape.top + shape.height) / 914400)
            assert right <= PAGE[0] - 0.69
            assert bottom <= 6.84


def test_the_same_deck_is_the_same_bytes_and_says_its_own_time(content) -> None:
    assert render_pptx(_deck()) == content
    later = render_pptx(replace(_deck(), created=CREATED + timedelta(days=1)))
    assert later != content
    package = ZipFile(BytesIO(content))
    assert {each.date_time for each in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    names = package.namelist()
    assert names == sorted(names, key=lambda each: (each != "[Content_Types].xml", each))
    core = package.read("docProps/core.xml").decode()
    assert re.findall(r">(2026[^<]*)<", core) == ["2026-07-02T09:00:00Z", "2026-07-02T09:00:00Z"]
    workbook = ZipFile(BytesIO(package.read(next(each for each in names if each.endswith(".xlsx")))))
    assert "2026-07-02T09:00:00Z" in workbook.read("docProps/core.xml").decode()
    assert always_the_same(content, CREATED) == content


def test_what_xml_does_not_have_is_shown_as_such_wherever_it_stands_and_all_else_is_the_same() -> None:
    def texts(value, found):
        if type(value) is str:
            found.append(value)
        elif isinstance(value, tuple):
            for each in value:
                texts(each, found)
        elif is_dataclass(value):
            for field in fields(value):
                texts(getattr(value, field.name), found)
        return found

    def stained(value):
        if type(value) is str:
            return f"\x1b{value}\ufffe"
        if isinstance(value, tuple):
            return tuple(map(stained, value))
        if is_dataclass(value):
            kept = {"number_format"}
            return replace(
                value,
                **{
                    each.name: stained(getattr(value, each.name))
                    for each in fields(value)
                    if each.name not in kept
                },
            )
        return value

    plain = _deck()
    deck = stained(plain)
    shown = [text.strip("\ufffd") for text in texts(in_xml(deck), [])]
    assert shown == texts(plain, [])
    pages = read_deck(render_pptx(deck))
    assert [each.title.strip("\ufffd") for each in pages[:3]] == [plain.title, "Service levels", "Incidents"]
    tables = [each.content for page in pages for each in page.parts if isinstance(each.content, ReadTable)]
    rows = [row[1].strip("\ufffd") for table in tables for row in table.rows[1:]]
    assert rows == [str(each) for each in range(23)]
    charts = [each.content for page in pages for each in page.parts if isinstance(each.content, ReadChart)]
    assert len(charts) == 2
    assert "\ufffdApril\ufffd" in str(charts[0])


def test_its_colours_are_those_of_the_house() -> None:
    tokens = (shipped("static") / "css" / "tokens.css").read_text()
    for name, value in THEME.values():
        assert f"--{name}: #{value.lower()};" in tokens


def test_an_office_opens_it_and_prints_every_word(content, tmp_path) -> None:
    text = pdf_text_of(content, tmp_path)
    for words in (
        "Quarterly business review",
        "99.900463 %",
        "EUR 1,250.50",
        "In June the API was down",
        "Incident 22",
    ):
        assert words in text
    assert text.count("\f") == len(Presentation(BytesIO(content)).slides)


def test_a_table_without_rows_says_why() -> None:
    deck = _deck(rows=0)
    texts = [
        shape.text_frame.text
        for slide in Presentation(BytesIO(render_pptx(deck))).slides
        for shape in slide.shapes
        if shape.has_text_frame
    ]
    assert "There were none." in texts


@given(
    st.lists(
        st.one_of(
            st.builds(Words, st.lists(st.text(max_size=3000), min_size=1, max_size=3).map(tuple)),
            st.builds(Notice, st.text(max_size=400)),
            st.builds(
                Figures,
                st.lists(st.tuples(st.text(max_size=60), st.text(max_size=40)), min_size=1, max_size=9).map(
                    tuple
                ),
            ),
            st.lists(st.tuples(st.text(max_size=900), st.text(max_size=30)), max_size=30).map(
                lambda rows: Grid("Table", (Column("One"), Column("Two", numeric=True)), tuple(rows), "None.")
            ),
            st.just(Plot("Plot", PlotKind.BAR, ("x",), (("y", (Decimal(1),)),))),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_whatever_it_is_given_no_slide_is_overfull_and_nothing_is_lost(blocks, with_slot) -> None:
    slot = Words((), free=True)
    pages = sheets(Topic("Any", "", "", (*blocks, slot) if with_slot else tuple(blocks)))
    assert [each.block for page in pages for each in page.placed].count(slot) == with_slot
    for page in pages:
        for one, other in zip(page.placed, page.placed[1:], strict=False):
            assert one.top + one.height <= other.top
        if page.placed:
            assert page.placed[-1].top + page.placed[-1].height <= HEIGHT + 1e-9
    shown = "".join(_letters(each.block) for page in pages for each in page.placed)
    assert sorted(shown) == sorted("".join(map(_letters, blocks)))


def test_all_figures_of_a_slide_have_one_size_and_no_row_is_left_with_one_of_them() -> None:
    items = (
        ("Gaps", "1"),
        ("Evaluated at", "29\u00a0November 2026, 18:33:32\u00a0UTC"),
        ("Cost in the period (EUR)", "EUR\u00a0279,167.72"),
        ("Digest", "b99a43269422…"),
        ("Results", "10"),
    )
    ((row, width, _, _),) = figure_rows(Figures(items))
    columns, points = figure_setting(Figures(items))
    assert (len(row.items), columns) == (5, 5)
    assert [len(wrapped(value, points, width)) for _, value in items] == [1, 2, 1, 1, 1]
    assert 12 < points < 20
    deck = replace(_deck(), topics=(Topic("One", "", "", (Figures(items),)),))
    shapes = list(Presentation(BytesIO(render_pptx(deck))).slides)[1].shapes
    runs = [
        run for each in shapes if each.has_text_frame for p in each.text_frame.paragraphs for run in p.runs
    ]
    assert {run.font.size.pt for run in runs if run.text in dict(items).values()} == {points}


def test_a_heading_stands_above_its_table_on_every_slide_that_the_table_needs() -> None:
    def grid(rows: int) -> Grid:
        return Grid(
            "Table", (Column("One"),), tuple((str(each),) for each in range(rows)), "None.", small=True
        )

    blocks = (Heading("First", "Source: a"), grid(14), Heading("Second", "Source: b"), grid(20))
    pages = sheets(Topic("Appendix", "", "", blocks))
    told = [
        [each.block.text if isinstance(each.block, Heading) else len(each.block.rows) for each in page.placed]
        for page in pages
    ]
    assert [page[0] for page in told] == ["First", "Second", "Second"]
    assert told[0] == ["First", 14]
    assert sum(page[1] for page in told[1:]) == 20


def test_a_table_of_many_columns_is_set_smaller_rather_than_a_word_a_line() -> None:
    columns = tuple(Column(each) for each in ("Incident", *["SHA-256 of its bundle"] * 8))
    row = ("Exports of large archives begin anew and never end", *["424e4e09aca1…"] * 8)
    ((placed,),) = (page.placed for page in sheets(Topic("T", "", "", (Grid("G", columns, (row,), ""),))))
    assert placed.points == 9
    few = Grid("G", columns[:3], (row[:3],), "")
    ((placed,),) = (page.placed for page in sheets(Topic("T", "", "", (few,))))
    assert placed.points == CELL


def test_no_word_of_a_heading_is_cut_though_headings_are_bold() -> None:
    columns = tuple(
        Column(each)
        for each in (
            "Incident",
            "Postmortem",
            "Version",
            "Signed",
            "SHA-256",
            "Your copy",
            "SHA-256 of your copy",
        )
    )
    row = (
        "Exports of large archives begin anew and never end", "not signed", "not known",
        "12 November 2026, 21:12:12 UTC", "0e39081e55c0…", "01a2270a-cd0…", "b64634c2044e…",
    )  # fmt: skip
    (page,) = sheets(Topic("Incidents", "", "", (Grid("Postmortems", columns, (row, row), "None."),)))
    (placed,) = page.placed
    assert sum(placed.widths) == pytest.approx(WIDTH)
    for column, width in zip(columns, placed.widths, strict=True):
        words = column.label.split()
        assert [
            each for each in words if text_width(each, placed.points * BOLD) > width - 2 * CELL_PAD[1]
        ] == []


@given(st.text(max_size=400))
def test_lines_are_as_wide_as_the_slide_and_lose_no_letter(text) -> None:
    lines = wrapped(text, CELL, WIDTH / 3)
    assert all(text_width(each, CELL) <= WIDTH / 3 for each in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def _letters(block) -> str:
    match block:
        case Words():
            parts = block.paragraphs
        case Notice():
            parts = (block.text,)
        case Figures():
            parts = tuple(each for item in block.items for each in item)
        case Grid():
            parts = tuple(each for row in block.rows for each in row)
        case Plot():
            parts = (block.title,)
    return "".join("".join(parts).split())
