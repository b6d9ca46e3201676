"""What lies ahead, or was never made, is not unknown: the cell says what it is, and what counts and draws is not misled."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.model import HourCost, Progress, Series
from trust_portal.documents.slides.model import Plot
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.totals import NOT_SIGNED, NOT_YET, incident_totals
from trust_portal.trust.qbr.deck import deck_of_draft
from trust_portal.trust.qbr.gathering.known_usage import Used
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.sections.display import display, quantity
from trust_portal.trust.sections.model import Cell, Column, Row, Section, Table, Unit
from trust_portal.trust.sections.words import drawn

NOW = datetime(2026, 5, 10, 9, tzinfo=UTC)
ID = UUID(int=1)
TENANT = Tenant(ID, "acme", "Acme", "UTC", "", NOW, NOW, None)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)


def _usage() -> Section:
    progress = Progress(ID, 1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 10, 8, tzinfo=UTC), None)
    cost = HourCost(datetime(2026, 4, 1, tzinfo=UTC), Series("compute", "EUR"), Decimal(10), 1)
    return usage_section(progress, Used([cost], [], [], []), ASK)


def test_a_month_that_lies_ahead_says_so_and_is_a_gap_in_every_drawing() -> None:
    section = _usage()
    rows = [
        [display(cell).replace("\u00a0", " ") for cell in row.cells]
        for row in section.table("months-eur").rows
    ]
    assert rows == [
        ["April 2026", "EUR 10.00", "EUR 10.00"],
        ["May 2026", "EUR 0.00", "EUR 0.00"],
        ["June 2026", "not begun yet", "not begun yet"],
    ]
    (chart,) = section.charts
    assert "June 2026: not begun yet" in str(drawn(section, chart)).replace("\u00a0", " ")
    deck = deck_of_draft(
        [section], {}, (), (), tenant="Acme", vendor="Vendor", period="2026-Q2", as_of=NOW, sha256="ab" * 32
    )
    (plot,) = [each for topic in deck.topics for each in topic.blocks if isinstance(each, Plot)]
    assert plot.series == (("Together", (Decimal("10.00"), Decimal("0.00"), None)),)


def test_what_is_drawn_is_a_number_and_neither_words_nor_nothing() -> None:
    assert quantity(Cell("99.95", Unit.PERCENT)) == Decimal("99.95")
    assert quantity(Cell(None, Unit.PERCENT)) is None
    assert quantity(Cell("not begun yet")) is None


def test_two_postmortems_that_nobody_has_signed_yet_have_each_its_own_actions() -> None:
    def row(id_: str, *cells: Cell) -> Row:
        return Row(id_, cells)

    about = (Column("state", "Postmortem"), Column("sha256", "SHA-256", Unit.DIGEST))
    counted = tuple(Column(each, each, Unit.COUNT) for each in ("planned", "done", "overdue"))
    numbers = [Cell(each, Unit.COUNT) for each in ("2", "1", "0")]
    names = ("a", "b")
    totals = incident_totals(
        Table("major", "Incidents", (), tuple(row(each) for each in names), "None."),
        Table(
            "postmortems",
            "Postmortems",
            about,
            tuple(row(each, Cell(NOT_SIGNED), Cell(NOT_YET)) for each in names),
            "None.",
        ),
        Table("prevention", "Prevention", counted, tuple(row(each, *numbers) for each in names), "None."),
    )
    assert {each.id: each.cell.value for each in totals} == {
        "major": "2",
        "gaps": "2",
        "promised": "4",
        "done": "2",
        "overdue": "0",
    }
