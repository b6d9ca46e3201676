"""A review begins with what was promised in the one before, and with what became of it; what is new stands apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.period import parse_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.derivation import own_sections_differ
from trust_portal.trust.qbr.gathering.commitments import commitments_section
from trust_portal.trust.qbr.model import Commitment, CommitmentState
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import Section

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID(int=1)
TENANT = Tenant(ID, "acme", "Acme", "UTC", "", NOW, NOW, None)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
OPEN, KEPT, MISSED, DROPPED = CommitmentState


def promise(
    number: int,
    of: str,
    state: CommitmentState = OPEN,
    *,
    due: date = date(2026, 7, 31),
    at: datetime | None = None,
) -> Commitment:
    """Made in the review of ``of``, a month after its end; settled ``at``."""
    made_at = parse_period(of, "UTC").end + timedelta(days=5)
    settled = state is not OPEN
    return Commitment(
        UUID(int=number), ID, 2 if settled else 1, f"Do {number}", "Sam", due, state, "seen" if settled else None,
        of, made_at, at or made_at, "Cora", ID,
    )  # fmt: skip


def rows(section: Section, table: str) -> list[list[str | None]]:
    return [[row.cells[each].value for each in (0, 3, 6)] for row in section.table(table).rows]


def figures(section: Section) -> dict[str, str | None]:
    return {each.id: each.cell.value for each in section.figures}


def test_the_last_reviews_promises_come_first_with_what_became_of_each() -> None:
    in_time = datetime(2026, 5, 1, tzinfo=UTC)
    section = commitments_section(
        [
            promise(1, "2025-Q4", OPEN, due=date(2026, 3, 1)),
            promise(2, "2025-Q4", KEPT, at=datetime(2026, 2, 1, tzinfo=UTC)),
            promise(3, "2026-Q1", KEPT, due=date(2026, 5, 1), at=in_time),
            promise(4, "2026-Q1", KEPT, due=date(2026, 4, 30), at=in_time),
            promise(5, "2026-Q1", MISSED, at=in_time),
            promise(6, "2026-Q1", DROPPED, at=in_time),
            promise(7, "2026-Q1", OPEN, due=date(2026, 7, 10)),
            promise(8, "2026-Q1", OPEN, due=date(2026, 7, 9)),
        ],
        ASK,
    )
    assert rows(section, "commitments") == [
        ["Do 3", "kept", "Q1 2026"],
        ["Do 4", "kept, late", "Q1 2026"],
        ["Do 5", "missed", "Q1 2026"],
        ["Do 6", "dropped", "Q1 2026"],
        ["Do 7", "open", "Q1 2026"],
        ["Do 8", "open, late", "Q1 2026"],
        ["Do 1", "open, late", "Q4 2025"],
    ], "what was kept before the period began was told in the review before"
    assert [
        display(row.cells[5]).replace("\u00a0", " ") for row in section.table("commitments").rows[3:5]
    ] == [
        "1 May 2026",
        "open",
    ], "what nobody has settled is open, not unknown"
    assert figures(section) == {
        "promised": "7", "kept": "2", "kept-late": "1", "missed": "1", "dropped": "1", "open": "3", "late": "2",
        "new": "0",
    }  # fmt: skip
    assert sentences(section) == (
        "Promised in earlier reviews: 7; kept: 2, of which late: 1; missed: 1; dropped: 1; open: 3, of which late: 2.",
    )


def test_what_is_promised_in_this_review_stands_apart_and_leads_the_next() -> None:
    made = [promise(1, "2026-Q2", at=NOW)]
    section = commitments_section(made, ASK)
    assert rows(section, "commitments") == []
    assert rows(section, "new") == [["Do 1", "open", "Q2 2026"]]
    assert sentences(section) == ("Nothing was promised in an earlier review.", "New in this review: 1.")
    later = Ask(TENANT, parse_period("2026-Q3", "UTC"), NOW + timedelta(days=92))
    after = commitments_section(made, later)
    assert (rows(after, "commitments"), rows(after, "new")) == ([["Do 1", "open, late", "Q2 2026"]], [])
    before = commitments_section(made, Ask(TENANT, parse_period("2026-Q1", "UTC"), NOW))
    assert (rows(before, "commitments"), rows(before, "new")) == ([], []), (
        "a later review's are not told here"
    )


def test_what_was_promised_in_the_review_of_a_quarters_last_month_leads_the_quarters_and_never_the_other_way() -> (
    None
):
    june, quarter, may = promise(1, "2026-06"), promise(2, "2026-Q2", at=NOW), promise(3, "2026-05")
    made = [june, quarter, may]
    section = commitments_section(made, ASK)
    assert rows(section, "commitments") == [["Do 1", "open", "June 2026"], ["Do 3", "open", "May 2026"]]
    assert rows(section, "new") == [["Do 2", "open", "Q2 2026"]]
    of_june = commitments_section(made, replace(ASK, period=parse_period("2026-06", "UTC")))
    assert rows(of_june, "commitments") == [["Do 3", "open", "May 2026"]]
    assert rows(of_june, "new") == [["Do 1", "open", "June 2026"]]
    kept = [promise(1, "2026-06", KEPT), promise(4, "2026-Q1", OPEN)]
    assert rows(commitments_section(kept, ASK), "commitments") == [
        ["Do 1", "kept", "June 2026"], ["Do 4", "open", "Q1 2026"],
    ], "the last review before the quarter's is that of its last month"  # fmt: skip


def test_what_was_settled_long_ago_is_told_where_it_is_of_the_last_review() -> None:
    kept = promise(1, "2025-Q1", KEPT, at=datetime(2025, 5, 1, tzinfo=UTC))
    assert rows(commitments_section([kept], ASK), "commitments") == [["Do 1", "kept", "Q1 2025"]]
    newer = promise(2, "2026-Q1")
    assert rows(commitments_section([kept, newer], ASK), "commitments") == [["Do 2", "open", "Q1 2026"]]


@pytest.mark.parametrize(
    ("zone", "at", "state", "settled"),
    [
        ("Asia/Tokyo", datetime(2026, 6, 30, 14, 59, tzinfo=UTC), "kept", "2026-06-30"),
        ("Asia/Tokyo", datetime(2026, 6, 30, 16, tzinfo=UTC), "kept, late", "2026-07-01"),
        ("America/Los_Angeles", datetime(2026, 7, 1, 2, tzinfo=UTC), "kept", "2026-06-30"),
        ("America/Los_Angeles", datetime(2026, 7, 1, 7, tzinfo=UTC), "kept, late", "2026-07-01"),
        ("UTC", datetime(2026, 7, 1, tzinfo=UTC), "kept, late", "2026-07-01"),
    ],
)
def test_the_day_on_which_it_was_settled_is_the_one_by_which_it_is_late(
    zone: str, at: datetime, state: str, settled: str
) -> None:
    ask = Ask(replace(TENANT, time_zone=zone), parse_period("2026-Q2", zone), NOW)
    made = [promise(1, "2026-Q1", KEPT, due=date(2026, 6, 30), at=at)]
    (row,) = commitments_section(made, ask).table("commitments").rows
    assert [row.cells[each].value for each in (2, 3, 5)] == ["2026-06-30", state, settled]


@pytest.mark.parametrize(
    ("zone", "now", "state"),
    [
        ("Asia/Tokyo", datetime(2026, 6, 30, 14, 59, tzinfo=UTC), "open"),
        ("Asia/Tokyo", datetime(2026, 6, 30, 15, tzinfo=UTC), "open, late"),
        ("America/Los_Angeles", datetime(2026, 7, 1, 6, 59, tzinfo=UTC), "open"),
        ("America/Los_Angeles", datetime(2026, 7, 1, 7, tzinfo=UTC), "open, late"),
    ],
)
def test_a_promise_is_late_once_its_day_is_over_where_the_customer_is(
    zone: str, now: datetime, state: str
) -> None:
    ask = Ask(replace(TENANT, time_zone=zone), parse_period("2026-Q2", zone), now)
    made = [promise(1, "2026-Q1", due=date(2026, 6, 30))]
    (row,) = commitments_section(made, ask).table("commitments").rows
    assert row.cells[3].value == state


def test_what_a_review_counts_of_its_promises_and_says_of_them_follows_from_its_rows() -> None:
    section = commitments_section([promise(1, "2026-Q1", MISSED), promise(2, "2026-Q2", at=NOW)], ASK)
    assert list(own_sections_differ("qbr.json", [section])) == []
    figures_ = tuple(
        replace(each, cell=replace(each.cell, value="0")) if each.id == "missed" else each
        for each in section.figures
    )
    (found,) = own_sections_differ("qbr.json", [replace(section, figures=figures_)])
    assert (found.field, found.reported, found.recomputed) == ("$.sections[0].figures[3].value", "0", "1")
    (found,) = own_sections_differ("qbr.json", [replace(section, sentences=section.sentences[:1])])
    assert (found.field, found.recomputed) == ("$.sections[0].sentences[1]", "New in this review: {new}.")
