"""A credit that is due and that nobody has proposed is said to be so, and so is one that ended without money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.money import Money
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.credits.model import CreditKind, CreditState, Origin, Outcome
from trust_portal.reliability.credits.record import Issue, Passage, StoredCalculation, StoredCredit
from trust_portal.trust.gathering.credits import NOT_PROPOSED, calculated, issued, settled, waiting
from trust_portal.trust.gathering.credits_section import (
    NOT_CLAIMED,
    DueCredit,
    IssuedCredit,
    SettledCredit,
    Unpaid,
    credits_section,
)
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.sections.outcome import outcome, verdict

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT = Tenant(new_id(), "acme", "Acme", "UTC", "", NOW - 300 * DAY, NOW - 300 * DAY, None)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
RECEIPT, OPERATOR = UUID(int=7), UUID(int=9)


def calculation(period: str, revision: int = 1, cents: int = 10000) -> StoredCalculation:
    amount = Money(cents, "EUR")
    return StoredCalculation(
        UUID(int=hash((period, revision)) % 2**64), TENANT.id, period, revision, UUID(int=5), Outcome.DUE,
        CreditKind.CREDIT, amount, amount, "ab" * 32, RECEIPT, NOW - 2 * DAY,
    )  # fmt: skip


def credit(made: StoredCalculation, attempt: int, *states: CreditState, by: UUID = OPERATOR) -> StoredCredit:
    history = tuple(
        Passage(at, state, NOW - DAY + timedelta(hours=at), by, "Olive", "our own words", UUID(int=20 + at))
        for at, state in enumerate((CreditState.PROPOSED, *states))
    )
    issue = Issue("CN-1", NOW - DAY, by, "Finn", "cd" * 32) if CreditState.ISSUED in states else None
    return StoredCredit(
        UUID(int=100 * attempt + made.revision), TENANT.id, made, attempt, Origin.PERSON, "asked", by, "Olive",
        UUID(int=11), None, None, NOW - DAY, history, issue,
    )  # fmt: skip


def due(period: str, amount: str, currency: str = "EUR", kind: str = "credit") -> DueCredit:
    return DueCredit(
        f"of-{period}",
        period,
        kind,
        Money.parse(amount, currency),
        NOT_PROPOSED,
        NOW - DAY,
        "5",
        str(RECEIPT),
    )


def said(section: Section) -> list[str]:
    return [each.replace("\u00a0", " ") for each in sentences(section)]


def test_a_credit_that_is_due_and_that_nobody_proposed_leaves_the_section_missing_by_name():
    found = credits_section((), (), Unpaid([due("2026-06", "480.00"), due("2026-03", "20.50")]), NOW)
    assert found.state is State.MISSING
    assert found.why is not None
    assert found.why.replace("\u00a0", " ") == (
        "due, and not on its way: EUR 480.00 for June 2026; EUR 20.50 for March 2026"
    )
    assert said(found) == [
        "No credit was issued for the period, and none in it.",
        "Due by signed reports, and not on its way: 2, EUR 500.50 in all.",
    ]
    assert {each.id: each.cell.value for each in found.figures} == {
        "issued": "0", "open": "0", "due": "2", "due-eur": "500.50", "settled": "0",
    }  # fmt: skip
    row = found.table("due").rows[0]
    assert [each.value for each in row.cells] == [
        "2026-06", "credit", "480.00", "nobody has proposed it", "2026-07-02T09:00:00Z",
    ]  # fmt: skip
    assert (row.cells[0].href, row.cells[2].receipt) == ("/reports/5", str(RECEIPT))
    assert outcome(found) == ("bad", "2 due, and not on their way")
    told = verdict([found])
    assert told is not None
    assert told.replace("\u00a0", " ") == "EUR 500.50 due, and not on its way"


def test_two_currencies_are_owed_apart_and_what_would_be_taken_back_is_owed_to_nobody():
    unpaid = Unpaid(
        [due("2026-06", "480.00"), due("2026-05", "7", "JPY"), due("2026-04", "90.00", kind="reversal")]
    )
    found = credits_section((), (), unpaid, NOW)
    assert said(found)[1] == "Due by signed reports, and not on its way: 2, EUR 480.00 and JPY 7 in all."
    assert [row.id for row in found.table("due").rows] == ["of-2026-06", "of-2026-05", "of-2026-04"]
    alone = credits_section((), (), Unpaid([due("2026-04", "90.00", kind="reversal")]), NOW)
    assert (alone.state, [each.id for each in alone.figures]) == (
        State.FRESH,
        ["issued", "open", "due", "settled"],
    )


def test_a_proposal_that_ended_without_money_is_told_with_how_it_ended():
    rejected = SettledCredit(
        "7", "2026-06", "credit", Money.parse("480.00", "EUR"), "rejected", "an approver said no", NOW, "r"
    )
    found = credits_section((), (), Unpaid((), [rejected]), NOW)
    assert (found.state, found.why) == (State.FRESH, None)
    assert said(found)[1:] == ["Proposals that ended without a credit: 1."]
    assert [each.value for each in found.table("settled").rows[0].cells] == [
        "2026-06", "credit", "480.00", "rejected", "an approver said no", "2026-07-03T09:00:00Z",
    ]  # fmt: skip
    assert outcome(found) == ("mute", "None")


def test_what_nobody_claimed_in_time_is_counted_apart_from_proposals_and_is_never_a_green_mark():
    amount = Money.parse("480.00", "EUR")
    rejected = SettledCredit("7", "2026-05", "credit", amount, "rejected", "an approver said no", NOW, "r")
    unclaimed = SettledCredit("8", "2026-06", "credit", amount, NOT_CLAIMED, "too late", NOW, "r")
    found = credits_section((), (), Unpaid((), [rejected, unclaimed]), NOW)
    assert (found.state, found.why) == (State.FRESH, None)
    assert said(found)[1:] == [
        "Proposals that ended without a credit: 1.", "Due to whoever claimed it, and not claimed in time: 1.",
    ]  # fmt: skip
    assert {each.id: each.cell.value for each in found.figures} == {
        "issued": "0", "open": "0", "due": "0", "settled": "1", "unclaimed": "1",
    }  # fmt: skip
    rows = found.table("settled").rows
    assert [row.cells[2].href for row in rows] == ["/credits/7", "/credits"], (
        "what was never proposed has no page"
    )
    assert outcome(found) == ("mute", "1 not claimed in time")


def test_what_was_issued_and_what_is_owed_are_told_apart():
    paid = IssuedCredit(
        "1", "2026-06", "credit", Money.parse("480.00", "EUR"), "CN-1", NOW, "5", "ab" * 32, "r"
    )
    told = verdict([credits_section((paid,), (), Unpaid([due("2026-05", "20.00")]), NOW)])
    assert told is not None
    assert told.replace("\u00a0", " ") == "EUR 480.00 credited; EUR 20.00 due, and not on its way"


def test_a_credit_counts_in_the_period_in_which_it_was_issued_and_in_no_other():
    def at(when: datetime, period: str, cents: int) -> StoredCredit:
        found = credit(calculation(period, cents=cents), 1, CreditState.APPROVED, CreditState.ISSUED)
        return replace(found, issue=Issue("CN-1", when, OPERATOR, "Finn", "cd" * 32))

    def told(label: str) -> tuple[dict[str, str | None], str]:
        ask = replace(ASK, period=parse_period(label, "UTC"), now=NOW + 300 * DAY)
        section = credits_section(tuple(issued(made, ask)), (), Unpaid(), ask.now, ask.period.end)
        named = {each.id: each.cell.value for each in section.figures}
        return named, sentences(section)[0].replace("\u00a0", " ")

    end = ASK.period.end
    made = [
        at(end + 5 * DAY, "2026-06", 48000),
        at(end - DAY, "2026-05", 2050),
        at(end, "2026-Q2", 1),
    ]
    second, third = told("2026-Q2"), told("2026-Q3")
    assert second[1] == "Credits issued in the period: 1, EUR 20.50 in all."
    assert (second[0]["later"], second[0]["later-eur"]) == ("2", "480.01")
    assert third[1] == "Credits issued in the period: 2, EUR 480.01 in all."
    assert "later" not in third[0]
    months = [told(f"2026-{month:02d}") for month in range(4, 10)]
    assert [each.get("sum-eur") for each, _ in months] == [None, None, "20.50", "480.01", None, None]
    assert months[1][1] == "No credit was issued in the period."
    assert months[1][0]["later-eur"] == "20.50"
    assert months[0][1] == "No credit was issued for the period, and none in it."


def test_what_was_issued_after_the_period_is_credited_all_the_same():
    paid = IssuedCredit(
        "1", "2026-06", "credit", Money.parse("480.00", "EUR"), "CN-1", NOW, "5", "ab" * 32, "r"
    )
    section = credits_section((paid,), (), Unpaid(), NOW, ASK.period.end)
    assert outcome(section) == ("good", "Credited")
    assert verdict([section]) == "EUR\u00a0480.00 credited after the period"
    look = outcome_section([section], NOW)
    assert [(each.id, each.cell.value) for each in look.figures] == [("credits-later-eur", "480.00")]


def test_before_format_5_what_was_issued_in_the_period_and_for_it_was_one_sum():
    paid = IssuedCredit(
        "1", "2026-06", "credit", Money.parse("480.00", "EUR"), "CN-1", NOW, "5", "ab" * 32, "r"
    )
    section = credits_section((paid,), (), Unpaid(), NOW)
    assert section.figure("sum-eur").cell.value == "480.00"
    assert sentences(section)[0].replace("\u00a0", " ") == "Credits issued: 1, EUR 480.00 in all."


def test_a_document_of_the_first_format_says_nothing_of_what_is_owed():
    found = credits_section((), (), None, NOW)
    assert [each.id for each in found.tables] == ["issued", "open"]
    assert [each.id for each in found.figures] == ["issued", "open"]
    assert found.state is State.FRESH


def test_what_is_due_is_told_up_to_the_end_of_the_period_with_where_it_stands():
    june, march, july = (calculation(each) for each in ("2026-06", "2026-03", "2026-07"))
    tried = [credit(june, 1, CreditState.REJECTED), credit(june, 2, CreditState.EXPIRED)]
    found = list(calculated([july, june, march], tried, ASK))
    assert [(each.period, each.state, each.since) for each in found] == [
        ("2026-06", "proposed, and expired", NOW - DAY + timedelta(hours=1)),
        ("2026-03", "nobody has proposed it", NOW - 2 * DAY),
    ]
    assert [(each.id, each.receipt, each.amount.decimal) for each in found] == [
        (str(june.id), str(RECEIPT), "100.00"), (str(march.id), str(RECEIPT), "100.00"),
    ]  # fmt: skip


def test_what_waits_is_told_of_the_period_and_of_those_before_it_as_what_is_due_is():
    may, july, march = (calculation(each) for each in ("2026-05", "2026-07", "2026-03"))
    proposed = [
        credit(may, 1),
        credit(march, 2, CreditState.APPROVED),
        credit(july, 3),
        credit(march, 4, CreditState.REJECTED),
    ]
    june = replace(ASK, period=parse_period("2026-06", "UTC"))
    assert [(each.period, each.state) for each in waiting(proposed, june)] == [
        ("2026-05", "proposed"), ("2026-03", "approved"),
    ]  # fmt: skip
    april = replace(ASK, period=parse_period("2026-04", "UTC"))
    assert [each.period for each in waiting(proposed, april)] == ["2026-03"]


def test_how_a_proposal_ended_is_a_class_and_nobodys_own_words():
    june, may = calculation("2026-06"), calculation("2026-05")
    again, march = calculation("2026-05", 2), calculation("2026-03")
    ended = [
        credit(june, 1, CreditState.REJECTED),
        credit(june, 2, CreditState.EXPIRED),
        credit(june, 3, CreditState.APPROVED, CreditState.VOIDED),
        credit(may, 4, CreditState.VOIDED, by=SYSTEM.id),
        credit(june, 5, CreditState.APPROVED),
        credit(june, 6, CreditState.APPROVED, CreditState.ISSUED),
        credit(march, 7, CreditState.VOIDED),
    ]
    found = list(settled(ended, [june, may, again, march], ASK))
    assert [(each.period, each.state, each.how) for each in found] == [
        ("2026-06", "rejected", "an approver said no"),
        ("2026-06", "expired", "the time to decide or issue it was over"),
        ("2026-06", "voided", "the vendor took it back"),
        ("2026-05", "voided", "a restated report took its place"),
    ]
    assert "our own words" not in {each.how for each in found}
    (alone,) = settled([credit(may, 4, CreditState.VOIDED, by=SYSTEM.id)], [may], ASK)
    assert alone.how == "the vendor took it back", "nothing was restated"
    late = replace(ASK, period=parse_period("2026-Q3", "UTC"))
    assert [each.period for each in settled([credit(march, 7, CreditState.VOIDED)], [march], late)] == [
        "2026-03"
    ]
