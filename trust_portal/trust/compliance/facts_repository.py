"""The facts of each control, read from the rows of the rooms below at one moment. For the staff scope.

``tenant_id`` None is the vendor's view: everybody's, where that is what the control is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from trust_portal.access.approvals.acts import ALWAYS_CARRIED, CARRIED_RECEIPTS
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.break_glass.model import Outcome
from trust_portal.access.tables import role_grants
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import active_customers, find_tenant
from trust_portal.evidence.audit import AuditCode
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.key_register import known_keys
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.evidence.links import result_of
from trust_portal.evidence.statement import ReceiptKind, Statement, Subject
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.period import month_label, previous_label, quarter_label
from trust_portal.learning.incidents.repository import major_touching
from trust_portal.learning.switchboard.coverage import LedgerLine
from trust_portal.learning.switchboard.repository import read_ledger
from trust_portal.reliability.contracts.owing import owed
from trust_portal.reliability.contracts.repository import versions_of
from trust_portal.reliability.reports.repository import heads_of
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.facts import (
    Approved,
    AuditFacts,
    ControlledAct,
    CoverageLine,
    DualControlFacts,
    Emergency,
    KeyFact,
    PeriodReport,
    RoleFact,
)
from trust_portal.trust.compliance.reviews.repository import roles_in_force

_ACTS: Final = """
SELECT id, kind, envelope, at FROM receipts
WHERE tenant_id = $1 AND kind = ANY($2::text[]) AND at >= $3 ORDER BY at, id
"""
_FIRST_POLICIES: Final = """
SELECT id FROM receipts WHERE tenant_id = $1 AND kind = 'policy.installed' ORDER BY at, id LIMIT 1
"""
_APPROVALS: Final = """
SELECT r.id, r.kind, r.subject, r.requester_id, cardinality(r.roles) AS needed,
       coalesce(array_agg(s.person_id ORDER BY s.ordinal) FILTER (WHERE s.act = 'approve'), '{}') AS approvers,
       coalesce(array_agg(s.at ORDER BY s.ordinal) FILTER (WHERE s.act = 'use'), '{}') AS used_at
FROM approval_requests r
LEFT JOIN approval_steps s ON s.tenant_id = $1 AND s.request_id = r.id
WHERE r.tenant_id = $1 AND r.id = ANY($2::uuid[])
GROUP BY r.id, r.kind, r.subject, r.requester_id, r.roles ORDER BY r.id
"""
_EMERGENCIES: Final = """
SELECT g.id, t.key, g.person_id, g.opened_at, least(g.until, min(s.at) FILTER (WHERE s.act = 'close')) AS over_at,
       min(s.at) FILTER (WHERE s.act = 'review') AS reviewed_at, g.receipt_id
FROM break_glass_grants g
JOIN tenants t ON t.tenant_id = g.tenant_id
LEFT JOIN break_glass_steps s ON s.tenant_id = g.tenant_id AND s.grant_id = g.id
WHERE $1::uuid IS NULL OR g.tenant_id = $1
GROUP BY g.tenant_id, g.id, t.key, g.person_id, g.opened_at, g.until, g.receipt_id
ORDER BY g.opened_at, g.id
"""
_RUNS: Final = """
SELECT n.tenant_id, r.period, n.outcome, n.reason FROM sla_run_tenants n
JOIN sla_runs r ON r.tenant_id = $2 AND r.id = n.run_id
WHERE $1::uuid IS NULL OR n.tenant_id = $1
"""
_FIRST_RECEIPT: Final = "SELECT min(at) FROM receipts WHERE tenant_id = $1"
_LAST_AUDIT: Final = """
SELECT id, ended_at, receipts, finding_count, findings, receipt_id FROM receipt_audits
WHERE tenant_id = $1 ORDER BY ended_at DESC, id DESC LIMIT 1
"""
#: Which field of a receipt names the thing, and what stands before it where approval is asked for.
_NAMED: Final = {
    ReceiptKind.BREAK_GLASS_REVIEWED: ("grant", "break-glass/"),
    ReceiptKind.CREDIT_ISSUED: ("credit", "credit/"),
    ReceiptKind.EXCLUSION_APPROVED: ("window", ""),
    ReceiptKind.INCIDENT_AFFECTED_SET: ("incident", "incident/"),
    ReceiptKind.INCIDENT_DOWNGRADED: ("incident", "incident/"),
    ReceiptKind.INCIDENT_UNMERGED: ("incident", "incident/"),
    ReceiptKind.PLAYBOOK_APPROVED: ("run", "playbook-run/"),
    ReceiptKind.POLICY_INSTALLED: ("version", "policies/"),
    ReceiptKind.POLICY_RETIRED: ("version", "policies/"),
}
#: In the first month somewhere it may be the one before it here.
_DAY: Final = timedelta(days=1)


async def read_dual_control(session: ReadSession, tenant_id: UUID, since: datetime) -> DualControlFacts:
    """The acts in one log since ``since``, oldest first, and the approvals that they name."""
    driver = await session.driver()
    kinds = sorted(each.value for each in CARRIED_RECEIPTS)
    first = await driver.fetchval(_FIRST_POLICIES, tenant_id)
    rows = await driver.fetch(_ACTS, tenant_id, kinds, since)
    acts = tuple(act for row in rows if (act := _act(row, first)) is not None)
    named = sorted({each.approval for each in acts if each.approval is not None})
    found = await driver.fetch(_APPROVALS, tenant_id, named)
    approvals = (
        Approved(
            row["id"],
            ApprovalKind(row["kind"]),
            row["subject"],
            row["requester_id"],
            row["needed"],
            tuple(row["approvers"]),
            tuple(row["used_at"]),
        )
        for row in found
    )
    return DualControlFacts(acts, tuple(approvals))


async def read_emergencies(session: ReadSession, tenant_id: UUID | None) -> tuple[Emergency, ...]:
    rows = await (await session.driver()).fetch(_EMERGENCIES, tenant_id)
    return tuple(Emergency(*row) for row in rows)


async def read_coverage(session: ReadSession, tenant_id: UUID | None) -> tuple[CoverageLine, ...]:
    """Of a tenant, the incidents that touched it or may have; of the vendor also what nobody declared."""
    whole = (await read_ledger(session)).lines
    if tenant_id is None:
        return tuple(map(_line, whole))
    tenant = await find_tenant(session, tenant_id)
    shown = {} if tenant is None else await major_touching(session, tenant)
    return tuple(
        replace(_line(each), incident=shown[each.incident.id])
        for each in whole
        if each.incident is not None and each.incident.id in shown
    )


async def read_reports(
    session: ReadSession, tenant_id: UUID | None, now: datetime
) -> tuple[PeriodReport, ...]:
    """Every period that is over and of which a report is owed, by tenant."""
    driver = await session.driver()
    tenants = await _in_service(session, tenant_id)
    versions = await versions_of(session, [each.id for each in tenants])
    heads = {
        (head.tenant_id, head.period): head
        for head in await heads_of(session, [tenant.id for tenant in tenants])
    }
    runs = {(row["tenant_id"], row["period"]): row for row in await driver.fetch(_RUNS, tenant_id, VENDOR_ID)}
    found: dict[tuple[str, str], PeriodReport] = {}
    for tenant in tenants:
        recorded = versions.get(tenant.id, ())
        for label in _labels(tenant.onboarded_at, now):
            head, run = heads.get((tenant.id, label)), runs.get((tenant.id, label))
            signed = None if head is None else head.signed_revision
            came_at, left_at = tenant.onboarded_at, tenant.offboarded_at
            due = owed(recorded, label, came_at, left_at, reported=signed is not None)
            if due is None or due.end > now:
                continue
            found[tenant.key, label] = PeriodReport(
                tenant=tenant.key,
                period=label,
                end=due.end,
                signed=signed,
                overtaken=head is not None and head.other_figures_since is not None,
                run=None if run is None else run["outcome"],
                why=None if run is None else run["reason"],
            )
    return tuple(found[key] for key in sorted(found))


async def read_audit(session: ReadSession, tenant_id: UUID) -> AuditFacts:
    driver = await session.driver()
    first = await driver.fetchval(_FIRST_RECEIPT, tenant_id)
    row = await driver.fetchrow(_LAST_AUDIT, tenant_id)
    if row is None:
        return AuditFacts(first, None, None, 0, 0, (), None)
    kept = [each for each in row["findings"] if each["code"] != AuditCode.ARTEFACT_WITHHELD]
    shut = [f"{each['where']} {each['message']}" for each in row["findings"] if each not in kept]
    return AuditFacts(
        first,
        row["id"],
        row["ended_at"],
        row["receipts"],
        row["finding_count"] - len(shut),
        tuple((each["where"], each["message"]) for each in kept),
        row["receipt_id"],
        "; ".join(shut) or None,
    )


async def read_roles(session: ReadSession, tenant_id: UUID, now: datetime) -> tuple[RoleFact, ...]:
    """By role. Of people who are not suspended."""
    held = roles_in_force(tenant_id, now).order_by(role_grants.c.role, role_grants.c.person_id)
    rows = await session.execute(held)
    return tuple(
        RoleFact(row.id, row.person_id, row.role, row.granted_at, row.reviewed_at, row.receipt_id)
        for row in rows
    )


async def read_keys(session: ReadSession) -> tuple[KeyFact, ...]:
    """Those in force that sign what others rely on; the key of webhooks is bound to whoever receives them."""
    return tuple(
        KeyFact(each.key.key_id, each.purpose.value, each.since)
        for each in await known_keys(session)
        if not each.replaced and each.purpose in {KeyPurpose.RECEIPTS, KeyPurpose.CHECKPOINTS}
    )


def _act(row: Any, first: UUID | None) -> ControlledAct | None:
    """None where policy let it be done without approval, and for a review that one denial ended."""
    kind = ReceiptKind(row["kind"])
    statement = Statement.parse(Envelope.parse(row["envelope"]).payload)
    result = result_of(statement)
    approval = result.get("approval")
    emergency = approval is None and kind is ReceiptKind.PLAYBOOK_APPROVED and "break_glass" in result
    if approval is None and kind not in ALWAYS_CARRIED and not emergency:
        return None
    if kind is ReceiptKind.BREAK_GLASS_REVIEWED and result.get("outcome") == Outcome.OBJECTED:
        return None
    return ControlledAct(
        receipt=row["id"],
        kind=kind.value,
        name=f"{kind.value} of {statement.subjects[0].name}",
        at=row["at"],
        approval=None if approval is None else UUID(str(approval)),
        approvers=tuple(sorted(_persons(result))),
        about=_about(kind, statement.subjects[0], result),
        emergency=emergency,
        first=approval is None and row["id"] == first,
    )


def _about(kind: ReceiptKind, subject: Subject, result: Mapping[str, Any]) -> str | None:
    """What the receipt says was done to what, as who asks for approval names it."""
    if kind is ReceiptKind.THRESHOLD_CHANGED:
        return subject.name.rpartition("/")[0]
    if kind is ReceiptKind.KEY_ROTATED:
        return f"keys/{result.get('purpose')}/{subject.sha256}"
    field, noun = _NAMED[kind]
    named = result.get(field)
    return None if named is None else f"{noun}{named}"


def _persons(result: Mapping[str, Any]) -> Iterator[UUID]:
    for each in result.get("approvals") or ():
        yield UUID(str(each["person"]))


def _line(line: LedgerLine) -> CoverageLine:
    return CoverageLine(
        name=line.name,
        incident=None if line.incident is None else line.incident.id,
        severity=None if line.worst_severity is None else line.worst_severity.value,
        cover=line.cover.value,
        is_gap=line.cover.is_gap,
        since=line.since,
    )


async def _in_service(session: ReadSession, tenant_id: UUID | None) -> tuple[Tenant, ...]:
    if tenant_id is None:
        return await active_customers(session)
    tenant = await find_tenant(session, tenant_id)
    return () if tenant is None or not tenant.active else (tenant,)


def _labels(came_at: datetime, now: datetime) -> Iterator[str]:
    """Every month and quarter from the one a customer came in, the newest first, months before quarters."""
    for label_of in (month_label, quarter_label):
        label, first = label_of(now), label_of(came_at - _DAY)
        while label >= first:
            yield label
            label = previous_label(label)
