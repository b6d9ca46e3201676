"""Before a report is signed, a second source is asked; a real Prometheus answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from support.prometheus import MINUTES, START, RealPrometheus, Series, counters
from support.reliability_vendor import CONTRACT, LAST_DAY, Vendor
from test_a_source_that_misbehaves import answering, server

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import receipt_envelopes
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.crosscheck.comparison import CheckState
from trust_portal.reliability.crosscheck.model import SetSource, SourceDefinition
from trust_portal.reliability.findings import State
from trust_portal.reliability.recompute import recompute_sla_report
from trust_portal.reliability.reports import repository
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.tenancy import StaffScope, TenantScope

PERIOD = "2026-06"


def total(minute: int) -> float:
    """A hundred requests each minute, as the vendor measures by default."""
    return 5000 + 100 * minute


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    prometheus = RealPrometheus(tmp_path_factory.mktemp("prometheus"))
    prometheus.backfill(
        [
            *counters("acme", total, total),
            *counters("one-less", total, lambda minute: total(minute) - (minute == MINUTES)),
            *counters("gap", lambda minute: None if 60 < minute <= 120 else total(minute), total),
            *counters("reset", lambda minute: total(minute) % 100_000, total),
        ]
    )
    with prometheus.started() as url:
        yield url


async def set_up(house: House, tenant: Tenant, url: str, customer: str = "acme", **more: object):
    definition = SourceDefinition(
        url=url,
        total="requests_total",
        good="requests_good_total",
        labels=(("customer", customer),),
        **more,
    )
    return await house.cross_checks.set(SetSource(tenant.id, "api", definition, "a second opinion"), CONSOLE)


@pytest.fixture
async def acme(vendor: Vendor) -> Tenant:
    """A customer whose last day of June is measured, without a failure."""
    tenant = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme")
    return tenant


async def issue(house: House, tenant: Tenant, reason: str | None = None) -> StoredReport:
    return await house.reports.issue(IssueReport(tenant.id, PERIOD, reason), CONSOLE)


async def body_of(house: House, report: StoredReport) -> dict:
    return json.loads(await house.reports.document(CONSOLE, report.tenant_id, report.id))


async def receipt_of(house: House, tenant: Tenant, receipt_id) -> Statement:
    async with house.storage.read(TenantScope(tenant.id)) as session:
        (envelope,) = (await receipt_envelopes(session, tenant.id, receipt_id)).values()
    return Statement.parse(Envelope.parse(envelope).payload)


async def test_without_a_second_source_a_report_says_so(house: House, acme: Tenant):
    report = await issue(house, acme)
    assert (report.state, report.check) == (State.OK, CheckState.NOT_CHECKED)
    body = await body_of(house, report)
    assert body["cross_check"] == {
        "demanded": "optional",
        "state": "not_checked",
        "objectives": [
            {"objective": "api", "state": "not_checked", "source": None, "figures": [], "queries": []}
        ],
    }
    assert [each["name"] for each in body["inputs"]] == [
        "inputs/contract.yaml",
        "inputs/exclusions.json",
        "inputs/measurements.csv",
    ]


async def test_equal_counts_are_signed_with_both_sides_and_can_be_compared_again(
    house: House, acme: Tenant, source: str, clock: ManualClock
):
    settings = await set_up(house, acme, source)
    report = await issue(house, acme)
    assert (report.state, report.revision, report.check) == (State.OK, 1, CheckState.AGREED)
    body = await body_of(house, report)
    (check,) = body["cross_check"]["objectives"]
    assert check["figures"] == [
        {"counter": "total", "ours": "144000", "theirs": "144000", "agrees": True},
        {"counter": "good", "ours": "144000", "theirs": "144000", "agrees": True},
    ]
    assert check["source"] == {
        "kind": "prometheus",
        "url": source,
        "settings": "1",
        "receipt": str(settings.receipt_id),
        "asked_at": "2026-07-10T09:00:00Z",
        "span": {"start": "2026-06-30T00:00:00Z", "end": "2026-07-01T00:00:00Z"},
        "tolerance": "0",
    }
    assert [each["query"] for each in check["queries"]][:3] == [
        'count_over_time(requests_total{customer="acme"}[1h59s999ms])',
        'resets(requests_total{customer="acme"}[1h59s999ms]) > 0',
        'requests_total{customer="acme"} @ 1782864000 - requests_total{customer="acme"} @ 1782777600',
    ]
    signed = await receipt_of(house, acme, report.receipt_id)
    assert signed.predicate["result"]["cross_check"] == body["cross_check"]
    assert f"receipt/{settings.receipt_id}" in {each["name"] for each in signed.predicate["inputs"]}
    async with house.storage.read(TenantScope(acme.id)) as session:
        inputs = await repository.find_inputs(session, acme.id, report.id)
    document = await house.reports.document(CONSOLE, acme.id, report.id)
    (missing,) = recompute_sla_report({**inputs, "report.json": document})
    assert (missing.file, missing.reported) == ("report.csv", "(absent)")
    edited = inputs["inputs/crosscheck.json"].replace(b'"difference":"144000"', b'"difference":"143999"', 1)
    found = recompute_sla_report({**inputs, "report.json": document, "inputs/crosscheck.json": edited})
    assert {"$.cross_check.state", "$.cross_check.objectives[0].figures[0].theirs", "$.state"} <= {
        each.field for each in found
    }


async def test_asked_again_the_same_is_not_issued_again(
    house: House, acme: Tenant, source: str, clock: ManualClock
):
    await set_up(house, acme, source)
    first = await issue(house, acme)
    clock.advance(timedelta(hours=3))
    assert await issue(house, acme) == first


@pytest.mark.parametrize(
    "customer, state, check, code, words",
    [
        ("one-less", State.DISPUTED, CheckState.DISAGREED, "CROSS_CHECK_DISAGREES", "good: 144000 here, 143999 there"),
        ("gap", State.INCOMPLETE, CheckState.NOT_COMPARABLE, "CROSS_CHECK_SAMPLES_MISSING", "1 of 61 up to 2026-06-30T02:00:00Z"),
        ("reset", State.INCOMPLETE, CheckState.NOT_COMPARABLE, "CROSS_CHECK_RESET", "total began anew 1 time"),
        ("nobody", State.INCOMPLETE, CheckState.NOT_COMPARABLE, "CROSS_CHECK_NO_SERIES", "no series matches"),
    ],
)  # fmt: skip
async def test_what_is_not_confirmed_is_not_signed_and_the_refusal_lists_both_sides(
    house: House, acme: Tenant, source: str, clock: ManualClock, customer, state, check, code, words
):
    await set_up(house, acme, source, customer)
    report = await issue(house, acme)
    assert (report.state, report.revision, report.check) == (state, None, check)
    (finding,) = [each for each in report.findings if each.code.startswith("CROSS")]
    assert finding.code == code
    assert words in finding.message
    body = await body_of(house, report)
    assert body["credit"] is None
    receipt = await receipt_of(house, acme, report.receipt_id)
    assert receipt.kind is ReceiptKind.SLA_REPORT_REFUSED
    assert receipt.predicate["result"]["cross_check"] == body["cross_check"]
    if customer == "one-less":
        assert body["cross_check"]["objectives"][0]["figures"][1] == {
            "counter": "good", "ours": "144000", "theirs": "143999", "agrees": False,
        }  # fmt: skip
    clock.advance(timedelta(hours=1))
    assert (await issue(house, acme)).id == report.id


async def test_an_agreed_tolerance_is_printed_and_signed(house: House, acme: Tenant, source: str):
    await set_up(house, acme, source, "one-less", tolerance=1)
    report = await issue(house, acme)
    (check,) = (await body_of(house, report))["cross_check"]["objectives"]
    assert (report.state, check["source"]["tolerance"], check["figures"][1]["theirs"]) == (
        State.OK,
        "1",
        "143999",
    )


async def test_a_source_that_does_not_answer_leaves_the_report_incomplete(
    house: House, acme: Tenant, unused_tcp_port: int
):
    await set_up(house, acme, f"http://127.0.0.1:{unused_tcp_port}")
    report = await issue(house, acme)
    assert (report.state, [each.code for each in report.findings][-1]) == (
        State.INCOMPLETE,
        "CROSS_CHECK_UNREACHABLE",
    )
    assert (await issue(house, acme)).id == report.id


async def test_where_our_own_account_has_a_gap_nobody_is_asked(house: House, vendor: Vendor, source: str):
    tenant = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme", minutes=1439)
    await set_up(house, tenant, source, "one-less")
    report = await issue(house, tenant)
    assert (report.state, report.check) == (State.INCOMPLETE, CheckState.NOT_ASKED)
    assert "MISSING_DATA" in {each.code for each in report.findings}
    (check,) = (await body_of(house, report))["cross_check"]["objectives"]
    assert (check["state"], check["figures"], check["queries"]) == ("not_asked", [], [])


async def test_a_contract_can_demand_a_second_source(house: House, vendor: Vendor, source: str):
    tenant = await vendor.tenant("acme")
    text = CONTRACT.format(tenant="acme", version="1", zone="UTC") + "cross_check: required\n"
    await house.contracts.import_file(ImportContracts(text.encode()), CONSOLE)
    await vendor.measure("acme")
    refused = await issue(house, tenant)
    assert (refused.state, refused.check) == (State.INCOMPLETE, CheckState.NOT_CHECKED)
    assert [each.code for each in refused.findings if each.where == "api"] == ["CROSS_CHECK_REQUIRED"]
    await set_up(house, tenant, source)
    report = await issue(house, tenant)
    assert (report.state, report.revision, report.check) == (State.OK, 1, CheckState.AGREED)
    assert (await body_of(house, report))["cross_check"]["demanded"] == "required"


async def test_a_signed_report_stands_when_its_source_cannot_be_asked_any_more(
    house: House, acme: Tenant, source: str, unused_tcp_port: int
):
    await set_up(house, acme, source)
    signed = await issue(house, acme)
    await set_up(house, acme, f"http://127.0.0.1:{unused_tcp_port}")
    assert await issue(house, acme) == signed
    await house.cross_checks.set(SetSource(acme.id, "api", None, "it is gone"), CONSOLE)
    assert await issue(house, acme) == signed


async def test_a_source_that_contradicts_a_signed_report_shows_and_once_mended_a_person_confirms(
    house: House, acme: Tenant, source: str
):
    signed = await issue(house, acme)
    await set_up(house, acme, source, "one-less")
    doubt = await issue(house, acme)
    assert (doubt.state, doubt.revision, doubt.attempt) == (State.DISPUTED, None, 2)
    (head,) = await house.reports.heads(CONSOLE, acme.id)
    assert (head.contradicted, head.signed_id) == (True, signed.id)
    await set_up(house, acme, source)
    assert await issue(house, acme) == signed
    confirmed = await issue(house, acme, "the second source had been asked for another customer")
    assert (confirmed.revision, confirmed.delta, confirmed.check) == (2, [], CheckState.AGREED)
    (head,) = await house.reports.heads(CONSOLE, acme.id)
    assert not head.contradicted
    async with house.storage.read(TenantScope(acme.id)) as session:
        query = select(outbox.c.arguments["report"].astext).where(outbox.c.job == Job.CONSIDER_CREDIT)
        waiting = list((await session.execute(query.order_by(outbox.c.id))).scalars())
    assert waiting == [str(signed.id), str(confirmed.id)], "what is due by it is looked at again"


async def test_a_block_that_comes_late_completes_the_count_and_then_the_report_is_signed(
    house: House, acme: Tenant, tmp_path
):
    prometheus = RealPrometheus(tmp_path)
    morning = lambda minute: total(minute) if minute <= 720 else None  # noqa: E731
    evening = lambda minute: total(minute) if minute > 720 else None  # noqa: E731
    prometheus.backfill(counters("acme", morning, morning))
    with prometheus.started() as url:
        await set_up(house, acme, url)
        early = await issue(house, acme)
    assert (early.state, early.check) == (State.INCOMPLETE, CheckState.NOT_COMPARABLE)
    assert "lacks samples in 12 of 24 windows" in early.findings[-1].message
    prometheus.backfill(counters("acme", evening, evening))
    with prometheus.started() as url:
        await set_up(house, acme, url)
        report = await issue(house, acme)
    assert (report.state, report.revision, report.check) == (State.OK, 1, CheckState.AGREED)


async def test_a_block_that_comes_after_signing_and_changes_the_count_contradicts_the_report(
    house: House, acme: Tenant, vendor: Vendor, tmp_path
):
    prometheus = RealPrometheus(tmp_path)
    prometheus.backfill(counters("acme", total, total))
    with prometheus.started() as url:
        await set_up(house, acme, url)
        signed = await issue(house, acme)
    assert signed.check is CheckState.AGREED
    # A second replica of the counter, of which nobody knew when the report was signed.
    prometheus.backfill([Series("requests_total", {"customer": "acme", "replica": "b"}, total)])
    with prometheus.started() as url:
        await set_up(house, acme, url)
        assert await issue(house, acme) == signed
    # Later it turns out that a minute had more requests: measured anew, and there is one more count.
    more = lambda minute: total(minute) + (7 if minute > 30 else 0)  # noqa: E731
    late = RealPrometheus(tmp_path / "late")
    late.folder.mkdir()
    late.backfill(counters("acme", more, total))
    with late.started() as url:
        await set_up(house, acme, url)
        doubt = await issue(house, acme)
        assert (doubt.state, doubt.check) == (State.DISPUTED, CheckState.DISAGREED)
        await vendor.deliver(
            [
                {
                    "specversion": "1.0",
                    "type": "trustportal.sli.measured.v1",
                    "source": "//test",
                    "id": "late",
                    "time": "2026-06-30T00:30:00Z",
                    "data": {
                        "tenant": "acme", "objective": "api", "total": 107, "good": 100, "correction_of": "1-30",
                    },
                }
            ]
        )  # fmt: skip
        restated = await issue(house, acme, "seven requests were found")
    assert (restated.revision, restated.supersedes, restated.check) == (2, signed.id, CheckState.AGREED)
    assert {"field": "api.raw.down_minutes", "before": "0", "after": "1"} in restated.delta


async def test_settings_are_recorded_once_and_never_edited(house: House, acme: Tenant, source: str):
    first = await set_up(house, acme, source)
    assert await set_up(house, acme, source) == first
    second = await set_up(house, acme, source, tolerance=5)
    assert (first.revision, second.revision) == (1, 2)
    receipt = await receipt_of(house, acme, second.receipt_id)
    assert receipt.kind is ReceiptKind.CROSS_CHECK_SET
    assert (receipt.subjects[0].name, receipt.subjects[0].sha256) == (
        "cross-check/api/2",
        second.definition.digest,
    )
    assert receipt.predicate["rationale"] == "a second opinion"
    assert receipt.predicate["result"]["previous"] == first.definition.digest
    withdrawn = await house.cross_checks.set(SetSource(acme.id, "api", None, "not needed"), CONSOLE)
    assert (withdrawn.revision, withdrawn.definition) == (3, None)
    assert (await receipt_of(house, acme, withdrawn.receipt_id)).kind is ReceiptKind.CROSS_CHECK_WITHDRAWN
    assert [each.revision for each in await house.cross_checks.history(CONSOLE, acme.id)] == [1, 2, 3]


async def test_settings_that_cannot_hold_are_refused_and_nothing_is_recorded(
    house: House, acme: Tenant, source: str
):
    definition = SourceDefinition(url=source, total="a", good="b")
    wrong = [
        (SetSource(acme.id, "web", definition, "why"), InvalidInput, "objective"),
        (SetSource(acme.id, "api", None, "why"), Conflict, "objective"),
        (
            SetSource(
                acme.id, "api", SourceDefinition(url=source, total="a", good="b", credential="x"), "why"
            ),
            InvalidInput,
            "credential",
        ),
        (SetSource(acme.id, "api", definition, "why", expected_revision=4), Conflict, None),
    ]
    for command, kind, field in wrong:
        with pytest.raises(kind) as refused:
            await house.cross_checks.set(command, CONSOLE)
        assert refused.value.field == field
    with pytest.raises(InvalidInput):
        SetSource(acme.id, "api", definition, " ")
    assert await house.cross_checks.history(CONSOLE, acme.id) == ()


async def test_a_source_is_asked_while_no_transaction_is_open(house: House, acme: Tenant, server_thread):
    open_ones = []
    one_at_a_time = asyncio.Lock()

    async def look(request, writer):
        async with one_at_a_time, house.storage.read(StaffScope()) as session:
            rows = await session.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                )
            )
            open_ones.append(rows.scalar_one())
        await answering(b"{}")(request, writer)

    async with server(look) as url:
        await set_up(house, acme, url)
        await issue(house, acme)
    assert open_ones
    assert set(open_ones) == {0}


def test_the_day_is_the_one_that_the_contracts_owe():
    assert START == LAST_DAY
