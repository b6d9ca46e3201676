"""Auditing one tenant's evidence, and putting on record that it was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.evidence.act import Act
from trust_portal.evidence.audit import AuditFinding, Auditor, AuditTotals, audit
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.sealing.vault import Vault
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.compliance.audits.record import ReceiptAudit, audit_of
from trust_portal.trust.compliance.audits.repository import add_audit


def _keep_silent(_: AuditFinding) -> None:
    pass


class ReceiptAudits:
    """``auditors`` compare documents with their receipts; ``vault`` opens what is sealed with a customer's key."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, auditors: Sequence[Auditor], vault: Vault
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._auditors = auditors
        self._vault = vault

    async def run(
        self, tenant_id: UUID, actor: Actor, tell: Callable[[AuditFinding], None] = _keep_silent
    ) -> ReceiptAudit:
        """Compute everything of one tenant again; what is found is on record with the audit, and changes nothing.

        ``tell`` hears of each finding as it comes up, also of those that are more than the record keeps.
        """
        decision = await self._gate.require(actor, Action.AUDIT_RUN, Resource.of_house("audit"))
        began_at, totals = self._storage.clock.now(), AuditTotals()
        findings: list[AuditFinding] = []
        async for each in audit(self._storage, totals, tenant_id, self._auditors, self._vault):
            findings.append(each)
            tell(each)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            found = audit_of(
                new_id(), tenant_id, began_at, session.clock.now(), totals, findings, receipt_id=new_id()
            )
            await self._ledger.record(
                session, audited_act(found, actor, decision), receipt_id=found.receipt_id
            )
            await add_audit(session, found)
        return found


def audited_act(found: ReceiptAudit, actor: Actor, decision: Decision) -> Act:
    """What was computed again, with the first of what was found."""
    result: dict[str, Json] = {
        "audit": str(found.id),
        "began_at": rfc3339(found.began_at),
        "receipts": str(found.receipts),
        "checkpoints": str(found.checkpoints),
        "bundles": str(found.artefacts),
        "finding_count": str(found.finding_count),
        "findings": [
            {"code": code, "where": where, "message": message} for code, where, message in found.findings
        ],
    }
    return Act(
        kind=ReceiptKind.RECEIPTS_AUDITED,
        tenant_id=found.tenant_id,
        actor=actor,
        at=found.ended_at,
        subjects=(Subject(f"audit/{found.id}", digest(result)),),
        predicate=result,
        policies=decision.policies,
        policy_version=decision.version,
    )
