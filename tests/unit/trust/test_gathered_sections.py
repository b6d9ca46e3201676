"""What the sections of a Trust Report say of the rows they are made from."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Conflict
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.trust.gathering.cost import cost_section
from trust_portal.trust.gathering.credits_section import Unpaid, credits_section
from trust_portal.trust.gathering.incidents import incidents_section
from trust_portal.trust.gathering.model import Ask, labels_of
from trust_portal.trust.gathering.sla import earlier_labels, promised
from trust_portal.trust.gathering.sla_section import Owed, SignedReport, overtaken_at, sla_section
from trust_portal.trust.gathering.telling import NO_INCIDENTS
from trust_portal.trust.gathering.totals import DROP, NOT_SIGNED, cost_totals, incident_totals
from trust_portal.trust.report.model import Acknowledgement, blocked_as
from trust_portal.trust.report.service import acknowledge
from trust_portal.trust.sections.display import sentences
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit
from trust_portal.trust.sections.words import drawn

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
RECEIPT = str(new_id())


def ask() -> Ask:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    tenant = Tenant(new_id(), "acme", "Acme", "UTC", "", began, began, None)
    return Ask(tenant, parse_period("2026-Q2", "UTC"), NOW)


def signed(
    label: str, percent: str, down: str, *, met: bool, overtaken: datetime | None = None
) -> SignedReport:
    figure = {"percent": percent, "down_minutes": down}
    began = datetime.fromisoformat(f"{label}-02T09:00:00Z")
    outage = {"start": rfc3339(began), "end": rfc3339(began + timedelta(minutes=int(down)))}
    body = {
        "period": {"label": label, "start": f"{label}-01T00:00:00Z"},
        "revision": "1",
        "objectives": [
            {
                "objective": "API",
                "target": "99.9",
                "adjusted": figure,
                "raw": figure,
                "met": met,
                "incidents": [outage],
            }
        ],
    }
    return SignedReport(body, "r", "ab" * 32, RECEIPT, NOW - timedelta(days=2), overtaken)


def owed(label: str) -> Owed:
    return Owed(label, over=True, objectives=(("API", "99.9"),))


def section(*reports: SignedReport) -> Section:
    return sla_section([owed("2026-05"), owed("2026-06")], reports, labels_of("2026-Q2"), NOW)


def test_the_months_of_a_quarter():
    assert labels_of("2026-Q2") == ("2026-04", "2026-05", "2026-06", "2026-Q2")
    assert labels_of("2026-06") == ("2026-06",)


def test_nothing_is_owed_for_a_month_before_the_customer_came_or_after_it_had_left():
    contract = parse_contract(
        """{"tenant": "acme", "version": "1", "effective_from": "2026-01-01T00:00:00Z", "currency": "EUR",
        "fee": "1000.00", "slas": [{"objective": "API", "target": "99.9", "denominator": "subscribed",
        "time_zone": "UTC", "tiers": [{"to": "99.9", "credit_percent": "10"}]}]}"""
    )
    asked = ask()
    came = replace(asked, tenant=replace(asked.tenant, onboarded_at=datetime(2026, 5, 1, tzinfo=UTC)))

    year = [f"2026-{month:02d}" for month in range(1, 7)]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    early = [ContractVersion(new_id(), asked.tenant.id, contract, "0" * 64, new_id(), first, "Ada")]
    late = [replace(early[0], recorded_at=datetime(2026, 6, 10, tzinfo=UTC))]
    assert [each.label for each in promised(early, asked, ())] == year, "from the contract's start"
    assert [each.label for each in promised(early, came, ())] == ["2026-05", "2026-06"]
    left = replace(asked, tenant=replace(asked.tenant, offboarded_at=datetime(2026, 5, 10, tzinfo=UTC)))
    assert [each.label for each in promised(early, left, ())] == year[:-1], "June began after they had left"
    assert [each.label for each in promised(late, asked, ())] == ["2026-06"], "from when it was on record"
    assert [each.label for each in promised(late, asked, {"2026-03"})] == ["2026-03", "2026-06"]


def test_every_promise_of_the_period_is_counted_and_the_trend_goes_back_before_it():
    found = section(
        signed("2026-03", "99.95", "2", met=True),
        signed("2026-05", "99.95", "4", met=True),
        signed("2026-06", "99.8", "80", met=False),
    )
    assert found.state is State.FRESH
    assert sentences(found) == (
        "Promises in the period: 2; kept: 1; missed: 1; time in which any of them was down, before exclusions: 84 min.",
    )
    assert [row.id for row in found.table("objective-api").rows] == ["2026-03", "2026-05", "2026-06"]
    assert dict(found.cells())["sla/objective-api/2026-06/attained"].receipt == RECEIPT


def test_a_month_without_a_signed_report_is_missing_and_shown_as_not_known():
    found = section(signed("2026-05", "99.95", "4", met=True))
    assert (found.state, found.why) == (State.MISSING, "no report is signed for June 2026")
    cells = dict(found.cells())
    assert cells["sla/objective-api/2026-06/attained"].value is None
    assert cells["sla/objective-api/2026-06/target"].value == "99.9"


def test_a_month_before_the_period_that_was_never_reported_is_a_row_that_is_not_known_and_a_gap_in_the_line():
    reports = [signed(each, "99.95", "2", met=True) for each in ("2026-01", "2026-03", "2026-05", "2026-06")]
    all_of = [owed(each) for each in ("2026-01", "2026-02", "2026-03", "2026-05", "2026-06")]
    found = sla_section(all_of, reports, labels_of("2026-Q2"), NOW)
    assert (found.state, found.why) == (State.FRESH, None), (
        "the report of February blocked that of the first quarter"
    )
    trend = found.table("objective-api")
    assert [(row.id, row.cells[1].value, row.cells[3].value) for row in trend.rows] == [
        ("2026-01", "99.95", "99.9"), ("2026-02", None, "99.9"), ("2026-03", "99.95", "99.9"),
        ("2026-05", "99.95", "99.9"), ("2026-06", "99.95", "99.9"),
    ]  # fmt: skip
    assert found.figure("unreported-before").cell.value == "1"
    assert sentences(found)[1:] == (
        "Earlier periods of the contract without a signed report: 1; what was attained in them is not known.",
    )
    line = drawn(found, found.charts[0])
    assert "2026-02: not known" in line
    (path,) = re.findall(r'class="chart-line" d="([^"]+)"', line)
    assert path.count("M") == 2, "the pen is lifted over what nobody knows"
    whole = sla_section(
        all_of, [*reports, signed("2026-02", "99.95", "2", met=True)], labels_of("2026-Q2"), NOW
    )
    assert {each.id for each in found.figures} - {each.id for each in whole.figures} == {"unreported-before"}


def test_the_periods_before_are_those_that_were_over_when_the_documents_began():
    def before(label: str, came: datetime, zone: str = "UTC") -> list[str]:
        tenant = replace(ask().tenant, onboarded_at=came, time_zone=zone)
        return list(earlier_labels(Ask(tenant, parse_period(label, zone), NOW)))

    november = datetime(2025, 11, 20, tzinfo=UTC)
    assert before("2026-02", november) == ["2025-11", "2025-12", "2025-Q4", "2026-01"]
    assert before("2026-Q1", november) == ["2025-11", "2025-12", "2025-Q4"]
    assert before("2025-11", november) == []
    assert before("2025-12", datetime(2025, 10, 31, 23, tzinfo=UTC), "Europe/Berlin") == ["2025-11"]


def test_a_month_that_later_data_contradict_is_stale():
    at = datetime(2026, 7, 1, 8, tzinfo=UTC)
    found = section(
        signed("2026-05", "99.95", "4", met=True, overtaken=at), signed("2026-06", "99.95", "4", met=True)
    )
    assert found.state is State.STALE
    assert found.why is not None
    assert found.why.startswith("data received since give other figures for May 2026")
    reports = found.table("reports")
    assert [each.id for each in reports.columns][4:] == ["overtaken"]
    assert [row.cells[4].value for row in reports.rows] == ["2026-07-01T08:00:00Z", "none"]
    known = [dict(zip(("overtaken",), row.cells[4:], strict=True)) for row in reports.rows]
    assert [overtaken_at(each) for each in known] == [at, None]
    calm = section(signed("2026-05", "99.95", "4", met=True), signed("2026-06", "99.95", "4", met=True))
    assert "overtaken" not in {each.id for each in calm.table("reports").columns}, "nothing to say"
    assert overtaken_at({}) is None


def test_so_is_one_of_before_the_period_until_it_is_restated_and_one_that_was_never_written_blocks_nothing():
    at, march = datetime(2026, 7, 1, 8, tzinfo=UTC), signed("2026-03", "99.95", "4", met=True)
    of_period = [signed(f"2026-0{month}", "99.95", "4", met=True) for month in (4, 5, 6)]
    owes = [owed(f"2026-0{month}") for month in (2, 3, 4, 5, 6)]
    found = sla_section(owes, [replace(march, overtaken_at=at), *of_period], labels_of("2026-Q2"), NOW)
    assert found.state is State.STALE
    assert found.why is not None
    assert found.why.startswith("data received since give other figures for March 2026")
    restated = sla_section(owes, [march, *of_period], labels_of("2026-Q2"), NOW)
    assert (restated.state, restated.why) == (State.FRESH, None), "February was never reported"
    assert restated.figure("unreported-before").cell.value == "1"


def test_nothing_promised_and_nothing_metered_do_not_apply():
    assert sla_section((), (), labels_of("2026-Q2"), NOW).state is State.NOT_APPLICABLE
    assert cost_section(None, (), (), ask()).state is State.NOT_APPLICABLE


def test_that_there_was_no_major_incident_is_said():
    found = incidents_section((), NOW, NOW)
    assert (found.state, sentences(found)) == (State.FRESH, (NO_INCIDENTS,))
    assert incidents_section((), NOW - timedelta(hours=2), NOW).state is State.STALE


def test_no_credit_is_a_sentence_too():
    found = credits_section((), (), Unpaid(), NOW)
    assert sentences(found) == ("No credit was issued for the period, and none in it.",)


def test_what_was_said_of_everybody_counts_only_where_it_was_seen():
    missing = section(signed("2026-05", "99.95", "4", met=True))
    said = Acknowledgement("sla", "we know", blocked_as(missing))
    (found,) = acknowledge([missing], (), (said,))
    assert (found.state, found.why, found.reason) == (State.MISSING, missing.why, "we know")
    other = Acknowledgement("sla", "we know", "missing: no report is signed for May 2026")
    with pytest.raises(Conflict) as refused:
        acknowledge([missing], (), (other,))
    assert refused.value.code == "SECTIONS_BLOCK"


def test_two_incidents_that_one_postmortem_covers_have_its_actions_once():
    def table(name: str, columns: tuple[str, ...], *rows: tuple[str | None, ...]) -> Table:
        said = tuple(Row(f"row-{at}", tuple(map(Cell, row))) for at, row in enumerate(rows))
        heads = tuple(Column(each, each.title()) for each in columns)
        return Table(name, name, heads, said, "None.")

    major = table("major", ("incident",), ("first",), ("merged into it",), ("another",))
    postmortems = table(
        "postmortems",
        ("state", "sha256"),
        ("signed", "ab"),
        ("covered by the postmortem of what it was merged into", "ab"),
        (NOT_SIGNED, None),
    )
    prevention = table(
        "prevention",
        ("planned", "done", "overdue"),
        ("3", "1", "1"),
        ("3", "1", "1"),
        (None, None, None),
    )
    found = {each.id: each.cell.value for each in incident_totals(major, postmortems, prevention)}
    assert found == {"major": "3", "gaps": "1", "promised": "3", "done": "1", "overdue": "1"}


def test_excess_is_summed_by_currency_as_far_as_it_lies_in_the_period_and_what_cost_less_is_none():
    def amount(value: str | None, currency: str) -> Cell:
        return Cell(value, Unit.MONEY, currency)

    start = datetime(2026, 4, 1, tzinfo=UTC)
    first, before = (
        Cell(each.isoformat(), Unit.INSTANT) for each in (start, start - timedelta(microseconds=1))
    )
    anomalies = Table(
        "anomalies",
        "What was found",
        (
            Column("kind", "What"),
            Column("began", "Began", Unit.INSTANT),
            Column("state", "State"),
            Column("whole", "Beyond", Unit.MONEY),
            Column("excess", "Of that in the period", Unit.MONEY),
        ),
        (
            Row("a", (Cell("spike"), first, Cell("open"), *[amount("531.35", "EUR")] * 2)),
            Row("b", (Cell("deviation"), first, Cell("closed, real"), *[amount("0.65", "EUR")] * 2)),
            Row("c", (Cell(DROP), first, Cell("open"), *[amount("-40.00", "EUR")] * 2)),
            Row("d", (Cell("spike"), first, Cell("closed"), *[amount("7", "JPY")] * 2)),
            Row(
                "e", (Cell("spike"), before, Cell("closed"), amount("900.00", "EUR"), amount("100.25", "EUR"))
            ),
        ),
        "None.",
    )
    playbooks = Table(
        "playbooks",
        "What was done",
        (Column("rate", "Saved an hour", Unit.MONEY),),
        (Row("x", (amount("89.00", "EUR"),)), Row("y", (amount(None, "EUR"),))),
        "None.",
    )
    savings = Table(
        "savings",
        "What it saved",
        (Column("hours", "Hours", Unit.COUNT), Column("saved", "Saved", Unit.MONEY)),
        (Row("x", (Cell("24", Unit.COUNT), amount("2136.00", "EUR"))),),
        "None.",
    )
    refused = Table(
        "refused", "Not done", (Column("playbook", "Playbook"),), (Row("z", (Cell("pause"),)),), "-"
    )
    totals = cost_totals(anomalies, playbooks, refused, savings, start)
    assert {each.id: each.cell.value for each in totals} == {
        "anomalies": "5", "open": "2", "earlier": "1", "excess-eur": "632.25", "excess-jpy": "7", "parted": "1",
        "playbooks": "2", "refused": "1", "verified": "1", "rate-eur": "89.00", "hours": "24", "saved-eur": "2136.00",
    }  # fmt: skip


def test_an_acknowledgement_of_its_age_holds_as_it_grows_older_and_for_nothing_else():
    both = signed("2026-05", "99.95", "4", met=True), signed("2026-06", "99.95", "4", met=True)

    def at(now: datetime, *reports: SignedReport) -> Section:
        return sla_section([owed("2026-05"), owed("2026-06")], reports, labels_of("2026-Q2"), now)

    aged = at(NOW + timedelta(days=120), *both)
    assert blocked_as(aged) == "stale: it may be 100 d"
    given = Acknowledgement("sla", "we know", f"stale: {aged.why}")
    (found,) = acknowledge([at(NOW + timedelta(days=121), *both)], (given,))
    assert found.why == "it is 123\u00a0d old, and may be 100\u00a0d"

    may = signed("2026-05", "99.95", "4", met=True, overtaken=NOW)
    june = signed("2026-06", "99.95", "4", met=True, overtaken=NOW)
    seen = Acknowledgement("sla", "we know", blocked_as(at(NOW, may, both[1])))
    for said, now in ((given, at(NOW, may, both[1])), (seen, at(NOW, may, june))):
        with pytest.raises(Conflict) as refused:
            acknowledge([now], (said,))
        assert refused.value.code == "SECTION_CHANGED"
        with pytest.raises(Conflict, match="not published"):
            acknowledge([now], (), (said,))
