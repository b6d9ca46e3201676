"""What a QBR says of usage, commitments and what would serve better: exact figures, each rule at its edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from uuid import UUID

import pytest
import yaml

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.model import HourCost, Part, Progress, Series
from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.money import Money
from trust_portal.kernel.period import parse_period, quarter_before
from trust_portal.trust.accounts.model import AccountSettings, Readiness, SetAccount
from trust_portal.trust.accounts.readiness import account_of, is_due
from trust_portal.trust.gathering.model import Ask, Before
from trust_portal.trust.qbr import expected
from trust_portal.trust.qbr.document import customer_sections
from trust_portal.trust.qbr.gathering.changes import changes_section
from trust_portal.trust.qbr.gathering.known_usage import Used, comparable
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.qbr.gathering.recommendations import Agreed, recommendations_section
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.qbr.model import (
    Audience,
    Entry,
    EntryKind,
    Issue,
    Obstacle,
    Qbr,
    Say,
    Verdict,
    last_of,
)
from trust_portal.trust.qbr.prose import plain
from trust_portal.trust.qbr.reviewing import reviewed, seen
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import State

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
ID = UUID("00000000-0000-7000-8000-000000000001")
TENANT = Tenant(ID, "aurora", "Aurora", "UTC", "", NOW, NOW, None)
ASK = Ask(TENANT, parse_period("2026-Q2", "UTC"), NOW)
PROGRESS = Progress(ID, 1, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 10, 8, tzinfo=UTC), None)


def _hour(month: int, hour: int, subsystem: str, cost: str) -> HourCost:
    return HourCost(datetime(2026, month, 1, hour, tzinfo=UTC), Series(subsystem, "EUR"), Decimal(cost), 1)


def _part(subsystem: str, operation: str, cost: str, quantity: str = "1") -> Part:
    at, used = ASK.period.start, Decimal(quantity)
    return Part(at, Series(subsystem, "EUR"), "r-1", operation, "eu", None, "GB", {}, used, Decimal(cost), 1)


USED = Used(
    now=[_hour(4, 0, "compute", "10.005"), _hour(5, 0, "compute", "10"), _hour(6, 0, "compute", "40"), _hour(6, 1, "storage", "12")],
    then=[_hour(1, 0, "compute", "50"), _hour(2, 0, "storage", "10")],
    parts_now=[_part("compute", "export", "60.005", "1250.50"), _part("storage", "keep", "12")],
    parts_then=[_part("compute", "export", "50", "1000"), _part("storage", "keep", "10")],
)  # fmt: skip


def _figures(section) -> dict[str, str]:
    return {each.id: display(each.cell).replace("\u00a0", " ") for each in section.figures}


def _row(section, table: str, row: str) -> list[str]:
    found = next(each for each in section.table(table).rows if each.id == row)
    return [display(cell).replace("\u00a0", " ") for cell in found.cells]


def test_usage_is_compared_with_the_period_before_and_every_month_has_its_row() -> None:
    section = usage_section(PROGRESS, USED, ASK)
    assert section.state is State.FRESH
    assert _figures(section) == {
        "total-eur": "EUR 72.00",
        "before-eur": "EUR 60.00",
        "change-eur": "EUR 12.00",
        "growth-eur": "20.0 %",
        "dearest-eur": "compute",
        "dearest-share-eur": "83.3 %",
        "volume-1": "compute export, GB",
        "volume-1-now": "1,250.5",
        "volume-1-before": "1,000",
        "volume-1-change": "250.5",
        "volume-1-growth": "25.0 %",
    }
    assert [each.replace("\u00a0", " ") for each in sentences(section)] == [
        "Usage cost EUR 72.00, EUR 12.00 or 20.0 % more than in the period before with EUR 60.00.",
        "The dearest part was compute with 83.3 % of it.",
        "Used of compute export, GB: 1,250.5 after 1,000 in the period before, a change of 250.5 or 25.0 %.",
    ]
    assert _row(section, "months-eur", "2026-06") == ["June 2026", "EUR 40.00", "EUR 12.00", "EUR 52.00"]
    assert _row(section, "movers-eur", "compute:r-1:export") == [
        "compute", "r-1", "export", "EUR 60.00", "EUR 50.00", "EUR 10.00",
    ]  # fmt: skip


def test_quantities_are_summed_by_part_operation_and_unit_and_compared_each_for_itself() -> None:
    used = replace(
        USED,
        parts_now=[
            _part("compute", "export", "30", "900"),
            replace(_part("compute", "export", "30.005", "350.5"), resource="r-2"),
            replace(_part("compute", "export", "0", "12"), unit="request"),
            _part("adapters", "geocode", "40", "7"),
        ],
    )
    section = usage_section(PROGRESS, used, ASK)
    assert [[display(cell) for cell in row.cells] for row in section.table("quantities").rows] == [
        ["compute", "export", "GB", "1,250.5", "1,000", "250.5", "25.0\u00a0%"],
        ["adapters", "geocode", "GB", "7", "0", "7", "not known"],
        ["storage", "keep", "GB", "0", "1", "\u22121", "\u2212100.0\u00a0%"],
        ["compute", "export", "request", "12", "0", "12", "not known"],
    ]
    assert [each.replace("\u00a0", " ") for each in sentences(section)[2:]] == [
        "Used of adapters geocode, GB: 7 after 0 in the period before, a change of 7.",
        "Used of compute export, GB: 1,250.5 after 1,000 in the period before, a change of 250.5 or 25.0 %.",
        "Used of storage keep, GB: 0 after 1 in the period before, a change of \u22121 or \u2212100.0 %.",
    ]
    numbers = [cell for row in section.table("quantities").rows for cell in row.cells[3:] if cell.value]
    assert {cell.href for cell in numbers} == {"/cost"}


def test_quantities_that_are_not_listed_are_counted_and_those_before_a_first_period_are_not_known() -> None:
    parts = [_part("compute", f"op-{each:02}", str(100 - each)) for each in range(22)]
    section = usage_section(PROGRESS, replace(USED, parts_now=parts, parts_then=[], then=[]), ASK)
    rows = section.table("quantities").rows
    assert [row.id for row in rows] == [f"compute:op-{each:02}:GB" for each in range(20)]
    assert {row.cells[4].value for row in rows} == {None}
    assert sentences(section)[2:] == (
        "What moved it most is named below: 5; what moved it less and is not named (EUR): 17.",
        "Of quantities the dearest are listed; 2 cost less and are not.",
    )


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("60", "Usage cost EUR 72.00, EUR 12.00 or 20.0 % more than in the period before with EUR 60.00."),
        (
            "90",
            "Usage cost EUR 72.00, after EUR 90.00 in the period before: a change of EUR \u221218.00, or \u221220.0 %.",
        ),
        ("72", "Usage cost EUR 72.00, as much as in the period before."),
    ],
)
def test_more_less_and_as_much_are_said_each_in_words_that_say_it_once(then: str, said: str) -> None:
    used = replace(USED, now=[_hour(4, 0, "compute", "72")], then=[_hour(1, 0, "compute", then)])
    assert sentences(usage_section(PROGRESS, used, ASK))[0].replace("\u00a0", " ") == said


def test_a_period_before_that_was_metered_in_part_is_compared_with_nothing_and_that_is_said() -> None:
    before = parse_period("2026-Q1", "UTC")
    whole = replace(PROGRESS, first_hour=before.start)
    assert comparable(USED, whole, ASK) is USED
    assert comparable(USED, replace(PROGRESS, first_hour=before.start - timedelta(days=90)), ASK) is USED
    late = replace(PROGRESS, first_hour=datetime(2026, 3, 29, tzinfo=UTC))
    used = comparable(USED, late, ASK)
    assert (used.then, used.parts_then, used.metered_since) == ((), (), late.first_hour)
    section = usage_section(late, used, ASK)
    assert _figures(section) == {
        "metered-since": "29 March 2026, 00:00 UTC",
        "total-eur": "EUR 72.00",
        "before-eur": "not known",
        "change-eur": "not known",
        "growth-eur": "not known",
        "dearest-eur": "compute",
        "dearest-share-eur": "83.3 %",
    }
    assert [each.replace("\u00a0", " ") for each in sentences(section)] == [
        (
            "Usage cost EUR 72.00. It is metered since 29 March 2026, 00:00 UTC only. So nothing is compared with the "
            "period before."
        ),
        "The dearest part was compute with 83.3 % of it.",
    ]
    assert _row(section, "quantities", "compute:export:GB") == [
        "compute", "export", "GB", "1,250.5", "not known", "not known", "not known",
    ]  # fmt: skip
    movers = section.table("movers-eur")
    assert (movers.rows, movers.empty) == ((), "There are no two whole periods to compare.")
    advised = recommendations_section(late, used, ASK).table("proposed").rows
    assert [row.id for row in advised] == ["dedicated-pool-eur"], "no rule judges by what was not compared"


def test_what_is_not_metered_is_said_and_an_hour_that_is_not_closed_blocks() -> None:
    nothing = Used([], [], [], [])
    assert usage_section(None, nothing, ASK).why == "no usage of this customer is metered"
    unclosed = replace(PROGRESS, closed_through=None)
    assert usage_section(unclosed, nothing, ASK).state is State.MISSING
    late = replace(PROGRESS, closed_through=ASK.period.end - timedelta(days=1, hours=2))
    assert usage_section(late, USED, ASK).state is State.STALE


def test_each_rule_has_its_grounds_and_says_what_they_are() -> None:
    section = recommendations_section(PROGRESS, USED, ASK)
    assert [row.id for row in section.table("proposed").rows] == [
        "dedicated-pool-eur",
        "retention-tier-eur",
        "volume-tier-eur",
    ]
    assert _row(section, "proposed", "dedicated-pool-eur")[3:] == [
        "EUR 12.00",
        "high",
        "not reviewed",
        "not known",
    ]
    assert _row(section, "proposed", "retention-tier-eur")[3:5] == ["EUR 1.20", "medium"]
    assert _row(section, "proposed", "volume-tier-eur")[3:5] == ["not known", "medium"]
    assert _row(section, "evidence", "dedicated-pool-eur:peak") == [
        "A dedicated pool", "Dearest hour of compute", "EUR 40.00",
    ]  # fmt: skip


def test_a_volume_tier_is_judged_by_what_was_used_and_says_what_the_contract_names() -> None:
    fee = Agreed(ID, Money.parse("1000.00", "EUR"))
    section = recommendations_section(PROGRESS, USED, ASK, fee)
    evidence = {
        row.id.partition(":")[2]: [display(each) for each in row.cells[1:]]
        for row in section.table("evidence").rows
        if row.id.startswith("volume-tier-eur:")
    }
    assert evidence == {
        "now": ["Cost in the period", "EUR\u00a072.00"],
        "before": ["Cost in the period before", "EUR\u00a060.00"],
        "growth": ["Growth", "20.0\u00a0%"],
        "volume": ["Used in the period (compute, GB)", "1,250.5"],
        "volume-before": ["Used in the period before (compute, GB)", "1,000"],
        "fee": ["Fee of the contract, a period", "EUR\u00a01,000.00"],
        "agreed": ["Seats or volume that the contract names", "none"],
    }
    unknown = recommendations_section(PROGRESS, USED, ASK)
    assert _row(unknown, "evidence", "volume-tier-eur:fee")[2] == "not known"
    assert _row(unknown, "evidence", "volume-tier-eur:agreed")[2] == "not known"

    dearer = replace(USED, parts_now=[_part("compute", "export", "60.005", "1000"), *USED.parts_now[1:]])
    advised = recommendations_section(PROGRESS, dearer, ASK, fee).table("proposed").rows
    assert "volume-tier-eur" not in [row.id for row in advised], "a higher price is no reason for a tier"


@pytest.mark.parametrize(("storage", "advised"), [("11", True), ("10.99", False)])
def test_a_rule_begins_exactly_where_it_says(storage: str, advised: bool) -> None:
    used = replace(USED, now=[_hour(6, 0, "storage", storage)], then=[_hour(2, 0, "storage", "10")])
    rows = [each.id for each in recommendations_section(PROGRESS, used, ASK).table("proposed").rows]
    assert ("retention-tier-eur" in rows) is advised


def test_one_operation_of_adapters_is_worth_caching() -> None:
    used = replace(
        USED, now=[_hour(6, 0, "adapters", "10")], then=[], parts_now=[_part("adapters", "geocode", "3"), _part("adapters", "x", "2.9")]
    )  # fmt: skip
    section = recommendations_section(PROGRESS, used, ASK)
    assert _row(section, "evidence", "caching-eur:operation")[2] == "geocode"
    assert _row(section, "proposed", "caching-eur")[3:5] == ["EUR 2.40", "medium"]
    for cost, sure in (("5.99", "medium"), ("6", "high")):
        most = replace(used, parts_now=[_part("adapters", "geocode", cost)])
        advised = recommendations_section(PROGRESS, most, ASK)
        assert _row(advised, "proposed", "caching-eur")[4] == sure, "high from twice the grounds on"


def test_the_shares_expected_are_those_of_the_shipped_playbooks() -> None:
    text = files("trust_portal.cost.remediation") / "playbooks.yaml"
    playbooks = yaml.safe_load(text.read_text())["playbooks"]
    assert Decimal(playbooks["dedicated-pool"]["saves"]) == expected.POOL_SAVES
    assert Decimal(playbooks["retention-tier"]["saves"]) == expected.TIER_SAVES
    assert Decimal(playbooks["cache-adapter"]["saves"]) == expected.CACHE_SAVES


def _entry(ordinal: int, kind: EntryKind, subject: str, text: str, **more: object) -> Entry:
    values = {"audience": Audience.CUSTOMER, "at": NOW, "by_name": "Cora", "receipt_id": ID, **more}
    return Entry(ordinal=ordinal, kind=kind, subject=subject, text=text, **values)  # type: ignore[arg-type]


def test_only_what_was_accepted_as_it_stands_goes_out() -> None:
    section = recommendations_section(PROGRESS, USED, ASK)
    yes = _entry(1, EntryKind.REVIEW, "dedicated-pool-eur", "fits", verdict=Verdict.ACCEPTED, seen=seen(section, "dedicated-pool-eur"))  # fmt: skip
    other = _entry(2, EntryKind.REVIEW, "retention-tier-eur", "fits", verdict=Verdict.ACCEPTED, seen="0" * 64)
    out = reviewed(section, (yes, other))
    assert [row.id for row in out.table("proposed").rows] == ["dedicated-pool-eur"]
    assert {row.id.partition(":")[0] for row in out.table("evidence").rows} == {"dedicated-pool-eur"}
    assert _row(out, "proposed", "dedicated-pool-eur")[5:] == ["Cora", "10 July 2026, 09:00 UTC"]
    no = _entry(3, EntryKind.REVIEW, "dedicated-pool-eur", "not now", verdict=Verdict.DECLINED, seen=yes.seen)
    assert reviewed(section, (yes, no)).table("proposed").rows == ()


def test_the_last_word_holds_and_an_empty_one_takes_it_back() -> None:
    said = (_entry(1, EntryKind.COMMENT, "usage", "one"), _entry(2, EntryKind.COMMENT, "usage", "two"))
    assert last_of(said, EntryKind.COMMENT, "usage") == said[1]
    gone = (*said, _entry(3, EntryKind.COMMENT, "usage", ""))
    assert last_of(gone, EntryKind.COMMENT, "usage") is None
    usage = usage_section(PROGRESS, USED, ASK)
    omitted = _entry(4, EntryKind.OMISSION, "usage", "asked for")
    assert customer_sections([usage], [omitted]) == ()
    assert (
        Say(ID, "2026-Q2", EntryKind.OMISSION, "usage", "x", Audience.INTERNAL).audience is Audience.CUSTOMER
    )


def test_the_outcome_says_what_its_sections_say_and_changes_compare_with_the_review_before() -> None:
    usage = usage_section(PROGRESS, USED, ASK)
    outcome = outcome_section([usage], NOW)
    assert [(each.id, each.cell) for each in outcome.figures] == [
        ("usage-total-eur", usage.figure("total-eur").cell),
        ("usage-change-eur", usage.figure("change-eur").cell),
    ]
    assert (outcome.state, outcome.as_of, outcome.max_age) == (State.FRESH, usage.as_of, usage.max_age)
    older = usage_section(PROGRESS, replace(USED, now=USED.then), ASK)
    renamed = replace(older.figures[-1], id="mean-eur")
    older = replace(older, figures=(*older.figures[:-1], renamed), sentences=())
    changes = changes_section([usage, outcome], Before("2026-Q1", 3, "0" * 64, {"usage": older}), NOW)
    assert sentences(changes) == (
        "Since the review for Q1 2026, revision 3: 10 values differ, 1 are new and 1 gone.",
    )
    assert _row(changes, "values", "usage/total-eur") == [
        "Usage and cost",
        "total-eur",
        "EUR 60.00",
        "EUR 72.00",
    ]
    then = next(row for row in changes.table("values").rows if row.id == "usage/total-eur").cells[2]
    assert then.href == "/cost", "what it was is a link, too"
    assert {row.id.partition("/")[0] for row in changes.table("values").rows} == {"usage"}, "each value once"
    same = changes_section([usage], Before("2026-Q1", 1, "0" * 64, {"usage": usage}), NOW)
    assert (_figures(same)["changed"], _figures(same)["new"], _figures(same)["gone"]) == ("0", "0", "0")
    stale = replace(usage, state=State.STALE, why="late")
    worse = changes_section([stale], Before("2026-Q1", 1, "0" * 64, {"usage": usage}), NOW)
    assert _row(worse, "states", "usage") == ["Usage and cost", "fresh", "stale"]
    dollars = replace(
        usage,
        figures=tuple(
            replace(each, cell=replace(each.cell, currency=each.cell.currency and "USD"))
            for each in usage.figures
        ),
    )
    other = changes_section([dollars], Before("2026-Q1", 1, "0" * 64, {"usage": usage}), NOW)
    assert _row(other, "values", "usage/total-eur")[2:] == ["EUR 72.00", "USD 72.00"]
    assert changes_section([usage], None, NOW).state is State.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("day", "quarter"),
    [(date(2026, 7, 14), "2026-Q2"), (date(2026, 1, 2), "2025-Q4"), (date(2026, 12, 31), "2026-Q3")],
)
def test_a_review_is_about_the_last_quarter_that_is_over(day: date, quarter: str) -> None:
    assert quarter_before(day) == quarter


def test_a_qbr_is_due_within_its_lead_and_not_twice() -> None:
    settings = AccountSettings(ID, review_on=date(2026, 7, 20), lead=timedelta(days=7))
    account = account_of(replace(TENANT, onboarded_at=NOW - timedelta(days=200)), settings, {}, NOW)
    assert account.readiness is Readiness.NOT_PREPARED
    assert [is_due(account, date(2026, 7, day)) for day in (12, 13, 20, 21)] == [False, True, True, False]
    begins = Obstacle("commitments", "commitments", NOW + timedelta(days=1))
    missing = (Obstacle("posture", "posture", None), Obstacle("credits", "credits", None))
    qbr = replace(
        Qbr(ID, ID, 1, "2026-Q2", NOW, "0" * 64, "scheduler", ID, 2, None), obstacles=(begins, *missing)
    )
    prepared = account_of(TENANT, settings, {(ID, "2026-Q2"): qbr}, NOW + timedelta(days=1))
    assert (prepared.readiness, prepared.blocking) == (Readiness.BLOCKED, 2)
    assert not is_due(prepared, date(2026, 7, 13))
    assert (
        account_of(TENANT, settings, {(ID, "2026-Q2"): replace(qbr, obstacles=(begins,))}, NOW).readiness
        is Readiness.DRAFT
    )
    left_out = {(ID, "2026-Q2"): {"posture"}}
    less = account_of(TENANT, settings, {(ID, "2026-Q2"): qbr}, NOW, left_out=left_out)
    assert (less.readiness, less.blocking) == (Readiness.BLOCKED, 1), "what is left out is in nobody's way"
    later = NOW + timedelta(days=1, microseconds=1)
    aged = account_of(TENANT, settings, {(ID, "2026-Q2"): qbr}, later)
    assert (aged.readiness, aged.blocking, aged.is_old) == (Readiness.AGED, 3, True)
    assert account_of(TENANT, AccountSettings(ID), {}, NOW).readiness is Readiness.NO_DATE
    undated = account_of(TENANT, AccountSettings(ID), {(ID, "2026-Q2"): qbr}, NOW)
    assert (undated.readiness, undated.last_issued) == (Readiness.NO_DATE, None), (
        "a draft is no issued review"
    )
    gone_out = [
        replace(
            qbr, period=period, issue=Issue(1, "0" * 64, (), None, NOW + timedelta(days=day), "Paula", ID)
        )
        for period, day in (("2026-Q1", 1), ("2026-Q2", 3), ("2026-Q3", 2))
    ]
    undated = account_of(TENANT, AccountSettings(ID), {(ID, each.period): each for each in gone_out}, NOW)
    assert undated.last_issued == gone_out[1], "the one that was issued last"
    own = replace(qbr, prepared_by=SYSTEM.name)
    nights = [
        is_due(
            account_of(TENANT, settings, {(ID, "2026-Q2"): each}, NOW + timedelta(hours=hours), spoken),
            date(2026, 7, 13),
        )
        for each, hours, spoken in (
            (own, 14, ()),  # 23:00 of the same day
            (own, 15, ()),
            (qbr, 15, ()),
            (own, 15, [(ID, "2026-Q2")]),
            (own, 15, [(ID, "2026-Q1")]),
        )
    ]
    assert nights == [False, True, False, False, True], "its own, of a day before, that nobody took up"
    with pytest.raises(InvalidInput, match="1 to 60 days"):
        SetAccount(ID, None, None, timedelta(days=61))


def test_a_review_on_a_day_whose_quarter_has_no_name_is_refused() -> None:
    """It would be on the page of all accounts, and in every round of the clockwork, for everybody."""
    with pytest.raises(InvalidInput, match="not before 2000") as refused:
        SetAccount(ID, None, date(1, 1, 1), timedelta(days=7))
    assert refused.value.field == "review_on"


def test_markdown_becomes_lines_for_slides() -> None:
    assert plain("One *thing*\nand more.\n\n- first\n- second\n\n`code`") == (
        "One thing and more.\n• first\n• second\ncode"
    )
