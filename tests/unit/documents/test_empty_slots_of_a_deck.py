"""A slot that nobody wrote into: seen by who edits the deck, by nobody it is shown to, and free whatever an office names it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation
from pptx.util import Inches
from support.office import pdf_text_of

from trust_portal.documents.slides.comparison import differences
from trust_portal.documents.slides.drawing import render_pptx
from trust_portal.documents.slides.fitting import sheets
from trust_portal.documents.slides.locking import SLOT
from trust_portal.documents.slides.model import Column, Deck, Figures, Grid, Plot, PlotKind, Topic, Words
from trust_portal.documents.slides.reading import read_deck

pytestmark = pytest.mark.takes(seconds=15)

_LEVELS = Topic(
    "Service levels",
    "Business review",
    "Source: signed SLA reports",
    (
        Words(("In June the API was down for 41 min.",)),
        Figures((("Attained", "99.9 %"), ("Promised", "99.95 %"))),
        Plot(
            "Attained",
            PlotKind.LINE,
            ("June",),
            (("API", (Decimal("99.9"),)),),
            target=Decimal("99.95"),
            number_format="0.00####",
            axis_format="0.0#",
            span=(Decimal("99.8"), Decimal(100)),
        ),
        Words((), free=True),
    ),
)
_WRITTEN = Topic("Usage", "Business review", "Source: closed hours", (Words(("All is well.",)),))
SIGNED = render_pptx(
    Deck("Northwind", "Q2", ("Aurora",), "Aurora", datetime(2026, 7, 2, tzinfo=UTC), "x", (_LEVELS, _WRITTEN))
)
WORDS = "The export was ours.\nIt is throttled, and stays so."


def _opened(content: bytes) -> Any:
    return Presentation(BytesIO(content))


def _edited(change: Callable[[Any], object], content: bytes = SIGNED) -> bytes:
    presentation, out = _opened(content), BytesIO()
    change(presentation)
    presentation.save(out)
    return out.getvalue()


def _found(content: bytes) -> list[tuple[str, str]]:
    return [(each.place, each.message) for each in differences(read_deck(SIGNED), read_deck(content))]


def _slot(presentation: Any) -> Any:
    (slot,) = [each for each in presentation.slides[1].shapes if each.name == SLOT]
    return slot


def _fill(presentation: Any) -> None:
    _slot(presentation).text_frame.text = WORDS


def _saved_by_an_office(content: bytes, folder: Path) -> bytes:
    office = shutil.which("soffice")
    assert office is not None, "install libreoffice-impress"
    (folder / "deck.pptx").write_bytes(content)
    subprocess.run(
        [office, f"-env:UserInstallation=file://{folder / 'office'}", "--headless", "--convert-to", "pptx",
         "--outdir", str(folder / "saved"), str(folder / "deck.pptx")],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    return (folder / "saved" / "deck.pptx").read_bytes()


def test_who_edits_it_is_told_where_to_write_and_who_it_is_shown_to_sees_nothing_of_that(tmp_path) -> None:
    presentation = _opened(SIGNED)
    slot = _slot(presentation)
    assert slot.is_placeholder
    assert slot.text_frame.text == ""
    (prompt,) = [each for each in presentation.slide_layouts[1].placeholders if each.name == "Commentary"]
    assert prompt.text_frame.text == "Commentary: click to write. Left empty, it is not shown."
    assert [each.name for each in presentation.slides[2].shapes if each.name == SLOT] == []
    printed = pdf_text_of(SIGNED, tmp_path)
    assert "99.95 %" in printed
    assert "Commentary" not in printed
    assert "click" not in printed


def test_what_is_written_into_it_is_printed_and_is_no_difference(tmp_path) -> None:
    filled = _edited(_fill)
    assert _found(filled) == []
    assert "It is throttled" in pdf_text_of(filled, tmp_path)


def test_an_office_gives_it_another_name_and_it_is_still_the_slot(tmp_path) -> None:
    saved = _saved_by_an_office(_edited(_fill), tmp_path)
    assert [each.name for each in _opened(saved).slides[1].shapes if each.name == SLOT] == []
    assert _found(saved) == []

    def lie(presentation: Any) -> None:
        (figure,) = [
            each
            for each in presentation.slides[1].shapes
            if each.has_text_frame and each.text_frame.text == "99.9 %"
        ]
        figure.text_frame.paragraphs[0].runs[0].text = "99.99 %"

    assert [message for _, message in _found(_edited(lie, saved))] == ["says “99.99 %”, signed was “99.9 %”"]


def test_a_text_beside_the_slot_or_over_a_figure_is_none() -> None:
    def add(presentation: Any) -> None:
        box = presentation.slides[1].shapes.add_textbox(Inches(0.7), Inches(2.4), Inches(4), Inches(0.5))
        box.text_frame.text = "99.99 %"

    (found,) = _found(_edited(add))
    assert found[1] == "was not signed: “99.99 %”"

    def second(presentation: Any) -> None:
        slot = _slot(presentation)
        box = presentation.slides[1].shapes.add_textbox(slot.left, slot.top, slot.width, slot.height)
        box.text_frame.text = "and this"

    assert _found(_edited(second)) == [
        ("slide 2, Service levels", "has more slots for commentary than were signed")
    ]


def test_a_table_that_goes_on_ends_with_three_rows_at_least() -> None:
    columns = (Column("One"), Column("Two"))
    for rows in range(4, 60):
        grid = Grid("Table", columns, tuple((str(each), "x") for each in range(rows)), "None.")
        counts = [len(page.placed[0].rows) - 1 for page in sheets(Topic("T", "", "", (grid,)))]
        assert sum(counts) == rows
        assert counts[-1] >= 3, counts


def test_one_point_is_drawn_with_what_was_promised_on_an_axis_that_tells_them_apart() -> None:
    (chart,) = [each.chart for each in _opened(SIGNED).slides[1].shapes if each.has_chart]
    assert [(each.name, tuple(each.values)) for each in chart.plots[0].series] == [
        ("API", (99.9,)),
        ("Target", (99.95,)),
    ]
    axis = chart.value_axis
    assert (axis.minimum_scale, axis.maximum_scale) == (99.8, 100.0)
    assert axis.tick_labels.number_format == "0.0#"
