"""What a report leaves in its tenant's log: the maintenance it excluded, and itself or its refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.inputs import Window
from trust_portal.reliability.reports.model import REPORT_FILE, ReportDocument
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.storage.unit_of_work import WriteSession


async def record_maintenance(
    ledger: Ledger, session: WriteSession, tenant_id: UUID, windows: Sequence[Window], actor: Actor
) -> dict[UUID, str]:
    """A receipt for each window that has none yet: the tenant's log says what was announced, and when.
    One agreed after the fact has its own.

    Digests of the receipts by their ids. The caller holds the period's head, so no other writer
    can record the same receipt.
    """
    digests = await receipt_digests(session, tenant_id, *(each.receipt_id for each in windows))
    for window in windows:
        if window.receipt_id in digests:
            continue
        exclusion = window.exclusion
        receipt = await ledger.record(
            session,
            Act(
                kind=ReceiptKind.MAINTENANCE_RECORDED,
                tenant_id=tenant_id,
                actor=actor,
                at=session.clock.now(),
                subjects=(Subject(f"maintenance/{exclusion.window}", window.sha256),),
                predicate={
                    "window": exclusion.window,
                    "start": rfc3339(exclusion.start),
                    "end": rfc3339(exclusion.end),
                    "announced_at": rfc3339(exclusion.announced_at),
                    "recorded_at": None if exclusion.recorded_at is None else rfc3339(exclusion.recorded_at),
                    "reason": exclusion.reason,
                    "objectives": None if exclusion.objectives is None else list(exclusion.objectives),
                },
            ),
            receipt_id=window.receipt_id,
        )
        digests[receipt.id] = receipt.sha256
    return digests


def report_act(
    report: StoredReport,
    document: ReportDocument,
    actor: Actor,
    decision: Decision,
    *,
    receipts: Mapping[UUID, str],
) -> Act:
    """The report's receipt. A refusal names findings and inputs, and no attained figure."""
    body = document.body
    files = tuple(Input(each["name"], each["sha256"]) for each in body["inputs"])
    rests_on = tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in sorted(receipts.items()))
    result: dict[str, Json] = {
        "report": str(report.id),
        "period": body["period"],
        "contract": body["contract"],
        "state": report.state.value,
        "cross_check": body["cross_check"],
    }
    if report.state is State.OK:
        kind, subject = ReceiptKind.SLA_REPORT_ISSUED, Subject(REPORT_FILE, report.sha256)
        result |= {
            "revision": str(report.revision),
            "supersedes": None if report.supersedes is None else str(report.supersedes),
            "objectives": [
                {name: each[name] for name in ("objective", "target", "raw", "adjusted", "met")}
                for each in body["objectives"]
            ],
        }
    else:
        kind = ReceiptKind.SLA_REPORT_REFUSED
        subject = Subject(f"sla-report/{report.period}/attempt/{report.attempt}", digest(body["findings"]))
        result |= {"attempt": str(report.attempt), "findings": body["findings"]}
    return Act(
        kind=kind,
        tenant_id=report.tenant_id,
        actor=actor,
        at=report.issued_at,
        subjects=(subject,),
        predicate=result,
        inputs=(*files, *rests_on),
        policies=decision.policies,
        policy_version=decision.version,
        rationale=report.reason,
    )
