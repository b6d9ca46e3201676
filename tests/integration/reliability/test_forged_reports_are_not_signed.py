"""Whoever holds the database login can write rows. That makes no report: nothing signs one for them."""

from __future__ import annotations

import zlib
from uuid import UUID

import pytest
from sqlalchemy import text

from trust_portal.access.actors import CONSOLE
from trust_portal.evidence.audit import AuditCode, AuditFinding, AuditTotals, audit
from trust_portal.evidence.export import Export, ExportState
from trust_portal.evidence.export_rows import list_exports
from trust_portal.house import House
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.reports.model import ReportDocument
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.storage.tenancy import TenantScope

_FORGE = """
INSERT INTO sla_reports (tenant_id, id, period, attempt, revision, state, contract_id, contract_version,
    period_start, period_end, document, sha256, inputs_sha256, findings, receipt_id, issued_at,
    issued_by_id, issued_by_name)
SELECT tenant_id, :forged, '2026-05', 1, 1, state, contract_id, contract_version, period_start, period_end,
    :document, :sha256, inputs_sha256, findings, receipt_id, issued_at, issued_by_id, issued_by_name
FROM sla_reports WHERE tenant_id = :tenant AND id = :report
"""
_FORGE_INPUTS = """
INSERT INTO sla_report_inputs (tenant_id, report_id, name, content)
SELECT tenant_id, :forged, name, content FROM sla_report_inputs WHERE tenant_id = :tenant AND report_id = :report
"""


@pytest.fixture
async def issued(house: House, vendor) -> StoredReport:
    tenant = await vendor.tenant("acme")
    await vendor.contract("acme")
    await vendor.measure("acme", good=lambda number: 0 if number < 10 else 100)
    return await house.reports.issue(IssueReport(tenant.id, "2026-06"), CONSOLE)


async def forge(house: House, report: StoredReport) -> UUID:
    """A May that never was, with a figure of the forger's, resting on the real receipt of June."""
    forged = new_id()
    async with house.storage.write(TenantScope(report.tenant_id)) as session:
        stored = await session.execute(
            text("SELECT document FROM sla_reports WHERE tenant_id = :t AND id = :id"),
            {"t": report.tenant_id, "id": report.id},
        )
        body = dict(ReportDocument.parse(bytes(stored.scalar_one())).body)
        body["period"] = {**body["period"], "label": "2026-05"}
        body["credit"] = None
        document = canonical(body)
        values = {"forged": forged, "tenant": report.tenant_id, "report": report.id}
        await session.execute(text(_FORGE), {**values, "document": document, "sha256": sha256_hex(document)})
        await session.execute(text(_FORGE_INPUTS), values)
    return forged


async def built(house: House, tenant_id: UUID, report_id: UUID) -> Export:
    asked = await house.bundles.request(CONSOLE, tenant_id, report_id)
    return await house.exports.build(tenant_id, asked.id)


async def findings(house: House) -> list[AuditFinding]:
    return [
        each
        async for each in audit(house.storage, AuditTotals(), auditors=house.auditors)
        if each.code is AuditCode.NOT_ATTESTED
    ]


async def manifests(house: House, tenant_id: UUID) -> int:
    async with house.storage.read(TenantScope(tenant_id)) as session:
        query = text("SELECT count(*) FROM receipts WHERE tenant_id = :t AND kind = 'export.manifest'")
        return int((await session.execute(query, {"t": tenant_id})).scalar_one())


async def test_a_row_nobody_issued_is_not_made_a_bundle_and_the_audit_names_it(
    house: House, issued: StoredReport, sequencer: None
):
    forged = await forge(house, issued)
    export = await built(house, issued.tenant_id, forged)
    assert export.state is ExportState.FAILED
    assert export.failure == (
        "the stored report is not the one that was issued: "
        "report.json: no sla_report.issued receipts are for it"
    )
    assert await manifests(house, issued.tenant_id) == 0, "nothing was signed"
    assert [str(forged) in each.where for each in await findings(house)] == [True]
    assert (await built(house, issued.tenant_id, issued.id)).state is ExportState.READY


async def test_a_report_under_another_id_than_its_receipt_names_is_refused(
    house: House, issued: StoredReport, sequencer: None
):
    """The document is the real one, so its receipt fits; the row is still not what was issued."""
    forged = new_id()
    async with house.storage.write(TenantScope(issued.tenant_id)) as session:
        values = {"forged": forged, "tenant": issued.tenant_id, "report": issued.id}
        copied = _FORGE.replace(":document, :sha256", "document, sha256")
        await session.execute(text(copied), values)
        await session.execute(text(_FORGE_INPUTS), values)
    export = await built(house, issued.tenant_id, forged)
    assert export.state is ExportState.FAILED
    assert "the receipt" in (export.failure or "")
    assert {each.where.split()[2] for each in await findings(house)} == {str(forged)}


async def test_inputs_the_report_was_not_computed_from_are_refused(
    house: House, issued: StoredReport, sequencer: None
):
    """An added file: what is stored cannot be changed by the login, but more can be put beside it."""
    async with house.storage.write(TenantScope(issued.tenant_id)) as session:
        await session.execute(
            text("INSERT INTO sla_report_inputs VALUES (:t, :r, 'inputs/apology.txt', :c)"),
            {"t": issued.tenant_id, "r": issued.id, "c": zlib.compress(b"we were up")},
        )
    async with house.storage.read(TenantScope(issued.tenant_id)) as session:
        (export,) = (await list_exports(session, issued.tenant_id, PageRequest(5))).items
    export = await house.exports.build(issued.tenant_id, export.id)
    assert (export.state, await manifests(house, issued.tenant_id)) == (ExportState.FAILED, 0)
    assert "the stored report is not the one that was issued: inputs/apology.txt" in (export.failure or "")
    assert any("inputs/apology.txt" in each.message for each in await findings(house))


async def test_what_was_issued_or_refused_by_the_portal_has_no_findings(
    house: House, vendor, issued: StoredReport, sequencer: None
):
    other = await vendor.tenant("beta")
    await vendor.contract("beta")
    await vendor.measure("beta", minutes=100)
    refused = await house.reports.issue(IssueReport(other.id, "2026-06"), CONSOLE)
    assert refused.revision is None
    assert await findings(house) == []
