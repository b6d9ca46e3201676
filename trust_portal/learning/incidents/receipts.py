"""What people's acts about incidents leave in the vendor's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from trust_portal.access.approvals.model import UsedApproval
from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.facts.reading import ReadEvent
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.lowered import Lowered
from trust_portal.learning.incidents.model import Downgrade, Incident


def told_act(
    kind: ReceiptKind,
    incident: Mapping[str, Json],
    read: ReadEvent,
    actor: Actor,
    at: datetime,
    decision: Decision,
    reason: str | None,
) -> Act:
    """Something was told: its subject is the event as stored, by the digest of its content."""
    event = read.event
    return Act(
        kind=kind,
        tenant_id=VENDOR_ID,
        actor=actor,
        at=at,
        subjects=(Subject(f"event/{event.source}/{event.id}", read.digest.hex()),),
        predicate={
            **incident,
            "event": {"source": event.source, "id": event.id, "type": event.type},
            "happened_at": None if event.time is None else rfc3339(event.time),
        },
        policies=decision.policies,
        policy_version=decision.version,
        rationale=reason,
    )


def downgraded_act(
    incident: Incident,
    downgrade: Downgrade,
    actor: Actor,
    at: datetime,
    inputs: tuple[Input, ...],
    result: Mapping[str, Json],
    policy: tuple[tuple[str, ...], str],
    reason: str,
) -> Act:
    """A P1 or P2 is less from now on; it rests on the approvals of two."""
    said: dict[str, Json] = {
        **incident_json(incident),
        "before": downgrade.before.value,
        "severity": downgrade.severity.value,
        "holds_from": rfc3339(downgrade.holds_from),
    }
    return Act(
        kind=ReceiptKind.INCIDENT_DOWNGRADED,
        tenant_id=VENDOR_ID,
        actor=actor,
        at=at,
        subjects=(Subject(f"incident/{incident.id}/{downgrade.severity.value}", digest(said)),),
        predicate={**said, **result},
        inputs=inputs,
        policies=policy[0],
        policy_version=policy[1],
        rationale=reason,
    )


def retracted_act(
    kind: ReceiptKind,
    incident: Incident,
    lowered: Sequence[Lowered],
    read: ReadEvent,
    actor: Actor,
    at: datetime,
    used: UsedApproval,
) -> Act:
    """It was taken back that it goes on in another (what it weighed on is less), or whom it touches; two approved."""
    request, event = used.approval.request, read.event
    return Act(
        kind=kind,
        tenant_id=VENDOR_ID,
        actor=actor,
        at=at,
        subjects=(Subject(f"event/{event.source}/{event.id}", read.digest.hex()),),
        predicate={
            **incident_json(incident),
            "event": {"source": event.source, "id": event.id, "type": event.type},
            "happened_at": rfc3339(at),
            **({"lowered": [each.json() for each in lowered]} if lowered else {}),
            **used.result,
        },
        inputs=used.inputs,
        policies=(request.rule_id,),
        policy_version=request.policy_version,
        rationale=request.reason,
    )


def incident_json(incident: Incident) -> dict[str, Json]:
    """Which incident it is, as receipts name it."""
    return {
        "incident": str(incident.id),
        "source": incident.source,
        "key": incident.key,
        "title": incident.title,
        "service": incident.service,
        "severity": incident.severity.value,
        "worst_severity": incident.worst_severity.value,
    }
