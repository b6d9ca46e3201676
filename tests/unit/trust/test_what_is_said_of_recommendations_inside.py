"""What the vendor's people read of each recommendation: who said what of it, and whether it goes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from trust_portal.trust.qbr.model import Audience, Entry, EntryKind, Verdict
from trust_portal.trust.qbr.reviewing import EVIDENCE, judged, reviewed, seen, with_rows
from trust_portal.trust.sections.model import Cell, Row, Section, State, Unit

AT = datetime(2026, 7, 10, 9, tzinfo=UTC)
RECEIPT = UUID(int=7)
SECTION = with_rows(
    Section("recommendations", "What we recommend", State.FRESH, "rules", AT, timedelta(days=1)),
    tuple(
        Row(
            name,
            (
                Cell(name.title()),
                Cell("because"),
                Cell("effect"),
                Cell("1.00", Unit.MONEY, "EUR"),
                Cell("high"),
                Cell("not reviewed"),
                Cell(None, Unit.INSTANT),
            ),
        )
        for name in ("pool", "cache", "tier")
    ),
    tuple(
        Row(f"{name}:share", (Cell(name), Cell("Share"), Cell("0.5", Unit.PERCENT)))
        for name in ("pool", "cache")
    ),
)


def said(verdict: Verdict, subject: str, text: str, *, digest: str | None = None) -> Entry:
    return Entry(
        1,
        EntryKind.REVIEW,
        subject,
        Audience.CUSTOMER,
        text,
        AT,
        "Cora",
        RECEIPT,
        verdict,
        digest or seen(SECTION, subject),
    )


def verdicts(section: Section) -> list[tuple[str | None, ...]]:
    return [tuple(each.value for each in row.cells[-3:]) for row in section.table("proposed").rows]


def test_each_has_its_verdict_with_who_said_it_and_why_and_what_nobody_reviewed_says_so() -> None:
    entries = [said(Verdict.ACCEPTED, "pool", "fits"), said(Verdict.DECLINED, "cache", "they are leaving")]
    found = judged(SECTION, entries)
    assert verdicts(found) == [
        ("Cora", "2026-07-10T09:00:00Z", "accepted: fits"),
        ("Cora", "2026-07-10T09:00:00Z", "declined: they are leaving"),
        ("not reviewed", None, "not reviewed"),
    ]
    assert found.table("proposed").rows[1].cells[-1].receipt == str(RECEIPT)
    assert found.table(EVIDENCE) == SECTION.table(EVIDENCE), "also of what does not go out"
    assert [row.id for row in reviewed(SECTION, entries).table("proposed").rows] == ["pool"]


def test_a_verdict_on_other_figures_is_said_to_be_one_and_nothing_goes_out_by_it() -> None:
    entries = [said(Verdict.ACCEPTED, "pool", "fits", digest="0" * 64)]
    assert verdicts(judged(SECTION, entries))[0][-1] == (
        "to be reviewed again: other figures were accepted: fits"
    )
    assert reviewed(SECTION, entries).table("proposed").rows == ()


def test_what_was_accepted_is_kept_in_while_usage_is_left_out() -> None:
    omission = replace(
        said(Verdict.ACCEPTED, "pool", "short"),
        kind=EntryKind.OMISSION,
        subject="usage",
        verdict=None,
        seen=None,
    )
    entries = [
        said(Verdict.ACCEPTED, "pool", "fits"),
        said(Verdict.DECLINED, "cache", "they are leaving"),
        omission,
    ]
    assert [each[-1] for each in verdicts(judged(SECTION, entries))] == [
        "accepted: fits (kept in: usage is left out)",
        "declined: they are leaving",
        "not reviewed",
    ]
