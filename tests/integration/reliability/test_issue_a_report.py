"""From stored events to the signed report: exact values, refusals, revisions, concurrency."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from support.reliability_vendor import CONTRACT, LAST_DAY, Vendor, event

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.tables import exports, receipts
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.reports.tables import sla_reports
from trust_portal.storage.tenancy import TenantScope


async def count(house: House, tenant, table, *where) -> int:
    from sqlalchemy import func, select

    async with house.storage.read(TenantScope(tenant.id)) as session:
        rows = await session.execute(
            select(func.count()).select_from(table).where(table.c.tenant_id == tenant.id, *where)
        )
        return rows.scalar_one()


async def test_a_month_of_events_becomes_exactly_these_figures(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    # Ten minutes fail from 10:00; the window from 10:00 to 10:04 was announced a day before.
    await vendor.measure("acme", good=lambda minute: 50 if 600 <= minute < 610 else 100)
    await vendor.maintain("mw-1", LAST_DAY + timedelta(hours=10), 4, timedelta(days=1))

    report = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)

    assert (report.state, report.revision, report.attempt, report.supersedes) == (State.OK, 1, 1, None)
    document = await house.reports.document(SYSTEM, acme.id, report.id)
    assert sha256_hex(document) == report.sha256
    body = json.loads(document)
    (objective,) = body["objectives"]
    assert objective["raw"] == {
        "numerator": "1430", "denominator": "1440", "exact": True, "percent": "99.305555", "down_minutes": "10",
    }  # fmt: skip
    assert objective["adjusted"] == {
        "numerator": "1434", "denominator": "1440", "exact": True, "percent": "99.583333", "down_minutes": "6",
    }  # fmt: skip
    assert (objective["met"], objective["credit_percent"]) == (False, "10")
    assert body["credit"]["amount"] == "100.00"
    (window,) = objective["exclusions"]
    assert (window["window"], window["counted"], window["minutes"]) == ("mw-1", True, "4")
    kinds = [ReceiptKind.SLA_REPORT_ISSUED, ReceiptKind.MAINTENANCE_RECORDED, ReceiptKind.CONTRACT_RECORDED]
    for kind in kinds:
        assert await count(house, acme, receipts, receipts.c.kind == kind.value) == 1
    assert await count(house, acme, receipts, receipts.c.id == window["receipts"][0]) == 1
    assert await count(house, acme, exports) == 1


async def test_the_same_inputs_again_make_nothing_new(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme")
    first = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    before = await count(house, acme, receipts)
    assert await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM) == first
    assert await house.reports.issue(IssueReport(acme.id, "2026-06", "just so"), CONSOLE) == first
    assert await count(house, acme, sla_reports) == 1
    assert await count(house, acme, receipts) == before


async def test_missing_minutes_are_refused_and_late_data_makes_the_first_revision(
    house: House, vendor: Vendor
):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme", minutes=1437)

    refused = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert (refused.state, refused.revision) == (State.INCOMPLETE, None)
    assert "3 minutes without a sample" in refused.why
    assert await count(house, acme, exports) == 0
    assert await count(house, acme, receipts, receipts.c.kind == "sla_report.refused") == 1
    assert await count(house, acme, receipts, receipts.c.kind == "sla_report.issued") == 0
    body = json.loads(await house.reports.document(SYSTEM, acme.id, refused.id))
    assert (body["objectives"][0]["adjusted"], body["credit"]) == (None, None)
    assert await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM) == refused

    await vendor.measure("acme", start=LAST_DAY + timedelta(minutes=1437), minutes=3)
    report = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert (report.state, report.revision, report.attempt) == (State.OK, 1, 2)
    (head,) = await house.reports.heads(SYSTEM, acme.id)
    assert (head.attempts, head.signed_id, head.newest_state) == (2, report.id, State.OK)


async def test_two_values_for_one_minute_are_disputed(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme")
    await vendor.measure("acme", minutes=1, good=lambda _: 0)
    report = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert (report.state, report.revision) == (State.DISPUTED, None)
    assert [each.code for each in report.findings if each.severity == "disputed"] == ["SAMPLE_CONFLICT"]
    assert await count(house, acme, exports) == 0


async def test_a_corrected_minute_is_not_measured_twice(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme", good=lambda minute: 0 if minute < 6 else 100)
    wrong = {"tenant": "acme", "objective": "api", "total": 100, "good": 100, "correction_of": "1-0"}
    await vendor.deliver([event("sli.measured", "a better count", wrong, LAST_DAY)])
    report = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert (report.state, [each.code for each in report.findings]) == (
        State.OK,
        ["CONTRACT_RECORDED_AFTER_PERIOD"],
    )
    (objective,) = json.loads(await house.reports.document(SYSTEM, acme.id, report.id))["objectives"]
    assert objective["adjusted"]["down_minutes"] == "5"


async def test_a_signed_report_is_restated_only_by_a_person_with_a_reason(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme", good=lambda minute: 0 if minute < 6 else 100)
    first = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    await vendor.maintain("mw-1", LAST_DAY, 6, timedelta(days=3))

    with pytest.raises(Conflict, match="needs a reason") as refusal:
        await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert refusal.value.code == "REASON_REQUIRED"
    with pytest.raises(Denied):
        await house.reports.issue(IssueReport(acme.id, "2026-06", "clockwork"), SYSTEM)
    assert await count(house, acme, sla_reports) == 1

    reason = "the window was entered late"
    second = await house.reports.issue(IssueReport(acme.id, "2026-06", reason), CONSOLE)
    assert (second.revision, second.supersedes, second.reason) == (2, first.id, reason)
    assert second.delta is not None
    changed = {each["field"]: (each["before"], each["after"]) for each in second.delta}
    assert changed["api.adjusted.down_minutes"] == ("6", "0")
    assert changed["api.met"] == ("false", "true")
    assert await house.reports.get(SYSTEM, acme.id, first.id) == first, "what was signed stays"
    assert await house.reports.latest(SYSTEM, acme.id, "2026-06") == second
    page = await house.reports.page(SYSTEM, acme.id, PageRequest(1))
    assert (page.items, page.has_next) == ((second,), True)
    rest = await house.reports.page(SYSTEM, acme.id, PageRequest(1, after=page.cursors[0]))
    assert (rest.items, rest.has_next) == ((first,), False)


async def test_twenty_at_once_leave_one_revision(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme")
    reports = await asyncio.gather(
        *(house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM) for _ in range(20))
    )
    assert {each.id for each in reports} == {reports[0].id}
    assert await count(house, acme, sla_reports) == 1
    assert await count(house, acme, receipts, receipts.c.kind == "sla_report.issued") == 1
    assert await count(house, acme, exports) == 1


async def test_a_period_that_is_not_over_where_the_contract_lives_is_refused(
    house: House, vendor: Vendor, clock
):
    acme = await vendor.tenant("acme")
    await vendor.contract("acme", zone="America/Denver")
    with pytest.raises(Refused) as refusal:
        await house.reports.issue(IssueReport(acme.id, "2026-07"), SYSTEM)
    assert refusal.value.code == "PERIOD_NOT_OVER"
    with pytest.raises(InvalidInput):
        await house.reports.issue(IssueReport(acme.id, "2026-13"), SYSTEM)
    assert await count(house, acme, sla_reports) == 0


async def test_maintenance_told_afterwards_does_not_count_however_it_is_dated(
    house: House, vendor: Vendor, clock: ManualClock
):
    now = clock.now()
    clock.advance(LAST_DAY - timedelta(days=20) - now)
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    clock.advance(timedelta(days=19, hours=2))
    await vendor.maintain("in time", LAST_DAY + timedelta(hours=2), 5, timedelta(days=1))
    clock.advance(now - clock.now())
    await vendor.measure("acme", good=lambda minute: 0 if minute // 60 in (2, 5) else 100)
    await vendor.maintain("afterwards", LAST_DAY + timedelta(hours=5), 60, timedelta(days=9))

    report = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)

    (objective,) = json.loads(await house.reports.document(SYSTEM, acme.id, report.id))["objectives"]
    told, late = objective["exclusions"]
    assert (told["code"], told["minutes"], told["announcement"]) == ("COUNTED", "5", "recorded")
    assert (late["code"], late["minutes"]) == ("AFTER_THE_FACT", "0")
    assert late["recorded_at"] == rfc3339(now)
    assert late["why"] == f"recorded {rfc3339(now)}, after its start, without two approvals"
    assert objective["adjusted"]["down_minutes"] == "115"


async def test_a_contract_that_changes_inside_the_period_signs_no_figure(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    for version, begins, ends in (("1", "2026-01-01", "2026-06-15"), ("2", "2026-06-15", None)):
        until = "" if ends is None else f"effective_to: {ends}\n"
        text = CONTRACT.format(tenant="acme", version=version, zone="UTC").replace(
            "effective_from: 2026-06-30T00:00:00Z\n", f"effective_from: {begins}\n{until}"
        )
        await house.contracts.import_file(ImportContracts(text.encode()), CONSOLE)
    june = LAST_DAY - timedelta(days=29)
    # Ten days down from 20 June, all of them under version 2.
    down = range(19 * 1440, 29 * 1440)
    await vendor.measure("acme", start=june, minutes=30 * 1440, good=lambda m: 0 if m in down else 100)

    report = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)

    assert (report.state, report.revision, report.contract_version) == (State.INCOMPLETE, None, "1")
    assert "version 1 ends 2026-06-15 and version 2 begins 2026-06-15" in report.why
    body = json.loads(await house.reports.document(SYSTEM, acme.id, report.id))
    assert body["credit"] is None
    assert body["attested_findings"][0]["code"] == "CONTRACT_CHANGES_IN_PERIOD"
    assert await count(house, acme, exports) == 0
    assert await count(house, acme, receipts, receipts.c.kind == "sla_report.issued") == 0


async def test_terms_that_came_after_the_period_sign_none_of_its_figures(house: House, vendor: Vendor):
    """The record is July's: version 1 is the customer's first, version 2 would forgive what June was like."""
    acme = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme", good=lambda minute: 50 if minute < 10 else 100)
    signed = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert signed.state is State.OK
    body = json.loads(await house.reports.document(SYSTEM, acme.id, signed.id))
    now = rfc3339(house.clock.now())
    assert body["contract"]["recorded_at"] == now
    assert body["attested_findings"][0]["code"] == "CONTRACT_RECORDED_AFTER_PERIOD"
    assert f"recorded on {now}, after the period" in body["objectives"][0]["method"][-1]

    kinder = CONTRACT.format(tenant="acme", version="1b", zone="UTC").replace(
        'target: "99.9"', 'target: "99.0"'
    )
    kinder = kinder.replace('      - {from: "99.0", to: "99.9", credit_percent: "10"}\n', "")
    await house.contracts.import_file(ImportContracts(kinder.encode()), CONSOLE)
    tried = await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)

    assert (tried.state, tried.revision, tried.contract_version) == (State.INCOMPLETE, None, "1b")
    assert "other terms were on record before" in tried.why
    assert await count(house, acme, receipts, receipts.c.kind == "sla_report.issued") == 1
    (head,) = await house.reports.heads(SYSTEM, acme.id)
    assert (head.signed_id, head.newest_state, head.contradicted) == (signed.id, State.INCOMPLETE, True)


async def test_without_a_contract_in_force_there_is_nothing_to_report(house: House, vendor: Vendor):
    acme = await vendor.tenant("acme")
    with pytest.raises(Refused) as refusal:
        await house.reports.issue(IssueReport(acme.id, "2026-06"), SYSTEM)
    assert refusal.value.code == "NO_CONTRACT"
    await vendor.contract("acme")
    with pytest.raises(Refused) as refusal:
        await house.reports.issue(IssueReport(acme.id, "2026-05"), SYSTEM)
    assert refusal.value.code == "NO_CONTRACT"
    with pytest.raises(NotFound):
        await house.reports.issue(IssueReport(new_id(), "2026-06"), SYSTEM)
