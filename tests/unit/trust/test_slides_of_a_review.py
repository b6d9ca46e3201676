"""A review's slides are for showing: a slide a section, what is looked up behind them, and no age where all is fresh."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trust_portal.documents.slides.fitting import sheets
from trust_portal.documents.slides.model import Figures, Grid, Heading, Notice, Plot, Topic, Words
from trust_portal.trust.qbr.deck import deck_of_draft
from trust_portal.trust.sections.model import (
    Cell,
    Chart,
    ChartKind,
    Column,
    Figure,
    Row,
    Section,
    Sentence,
    State,
    Table,
    Unit,
)

AT = datetime(2026, 11, 29, 18, 33, tzinfo=UTC)


def section(id_: str, *rows: int) -> Section:
    """A sentence, a figure, and a table for each number of rows."""
    tables = tuple(
        Table(
            f"t{at}",
            f"Table {at}",
            (Column("one", "One"), Column("two", "Two")),
            tuple(Row(f"r{each}", (Cell(f"{id_} {at} {each}"), Cell("x"))) for each in range(count)),
            "None.",
        )
        for at, count in enumerate(rows)
    )
    return Section(
        id=id_,
        title=id_.capitalize(),
        state=State.FRESH,
        source="Controls judged by the portal",
        as_of=AT,
        max_age=timedelta(days=3),
        sentences=(Sentence("All is well: {n}."),),
        figures=(Figure("n", "Number", Cell("1", Unit.COUNT)),),
        tables=tables,
    )


def topics(*sections: Section) -> list[Topic]:
    deck = deck_of_draft(
        sections, {}, (), (), tenant="Acme", vendor="Vendor", period="2026-Q4", as_of=AT, sha256="ab" * 32
    )
    return list(deck.topics)


def test_a_table_stands_on_its_sections_slide_where_it_has_room_and_else_in_the_appendix() -> None:
    found = topics(section("access", 2, 30), section("cost", 40), section("notes", 1))
    assert [each.title for each in found] == ["Access", "Cost", "Notes", "Appendix: tables"]
    assert [len(sheets(each)) for each in found[:3]] == [1, 1, 1]
    on_slides = [[each.title for each in topic.blocks if isinstance(each, Grid)] for topic in found[:3]]
    assert on_slides == [["Table 0"], [], ["Table 0"]]
    behind = found[3].blocks
    assert [each.text if isinstance(each, Heading) else (each.title, len(each.rows)) for each in behind] == [
        "Access",
        ("Table 1", 30),
        "Cost",
        ("Table 0", 40),
    ]


def test_without_a_table_that_found_no_room_there_is_no_appendix() -> None:
    assert [each.title for each in topics(section("access", 2))] == ["Access"]


def test_what_is_fresh_is_not_said_to_be_and_what_is_not_says_so_above_its_title() -> None:
    stale = replace(section("cost"), state=State.STALE, why="it is old")
    fresh, other = topics(section("access"), stale)
    assert (fresh.kicker, other.kicker) == ("Internal. Business review", "Internal. Stale")
    assert fresh.source.replace("\u00a0", " ") == (
        "Source: controls judged by the portal, as of 29 November 2026, 18:33 UTC"
    )


def test_what_does_not_apply_stands_below_another_and_has_a_slide_where_somebody_said_something_of_it() -> (
    None
):
    silent = replace(
        section("changes"),
        state=State.NOT_APPLICABLE,
        why="it is the first",
        sentences=(),
        figures=(),
        tables=(),
    )
    (first, second) = topics(section("access", 2), silent, section("notes", 1))
    assert (first.title, second.title) == ("Access", "Notes")
    assert [type(each) for each in first.blocks] == [Words, Figures, Grid, Heading, Notice, Words]
    assert first.blocks[4] == Notice("Does not apply: it is the first.")
    assert len(sheets(first)) == 1
    assert "Changes: Does not apply: it is the first" in first.notes
    commented = deck_of_draft(
        (section("access", 2), silent), {"changes": [{"text": "Hello.", "by": "Cora", "at": AT.isoformat()}]}, (), (),
        tenant="Acme", vendor="Vendor", period="2026-Q4", as_of=AT, sha256="ab" * 32,
    )  # fmt: skip
    assert [each.title for each in commented.topics] == ["Access", "Changes"]


def test_one_month_of_a_promise_is_drawn_with_its_target_and_one_of_cost_is_not() -> None:
    table = Table(
        "months", "Months", (Column("month", "Month"), Column("attained", "Attained", Unit.PERCENT)),
        (Row("m", (Cell("October 2026"), Cell("99.843189", Unit.PERCENT))),), "None.",
    )  # fmt: skip
    line = Chart("line", "Attained", ChartKind.LINE, "months", "month", ("attained",), target="99.9")
    bar = Chart("bar", "Cost", ChartKind.BAR, "months", "month", ("attained",))
    (topic, _) = topics(replace(section("sla"), tables=(table,), charts=(line, bar)))
    (plot,) = [each for each in topic.blocks if isinstance(each, Plot)]
    assert (plot.title, plot.target, plot.span) == (
        "Attained",
        Decimal("99.9"),
        (Decimal("99.8"), Decimal(100)),
    )
    assert plot.axis_format == "0.0#"


def test_the_slot_of_a_section_stands_at_the_end_of_its_first_slide() -> None:
    (topic, _) = topics(section("cost", 40))
    (sheet,) = sheets(topic)
    assert sheet.placed[-1].block == Words((), free=True)
