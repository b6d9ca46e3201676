"""What QBRs leave in their tenant's log. Counters are strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.qbr.document import section_digests
from trust_portal.trust.qbr.model import (
    DOCUMENT_FILE,
    Commitment,
    CommitmentState,
    Entry,
    EntryKind,
    Issue,
    Qbr,
)
from trust_portal.trust.report.sources import Source
from trust_portal.trust.sections.model import Section

_SAID = {
    EntryKind.COMMENT: ReceiptKind.QBR_COMMENTED,
    EntryKind.OMISSION: ReceiptKind.QBR_OMITTED,
    EntryKind.REVIEW: ReceiptKind.QBR_RECOMMENDATION_REVIEWED,
}


def prepared_act(qbr: Qbr, sections: Sequence[Section], actor: Actor, decision: Decision) -> Act:
    """The data are locked here: the digest of each section."""
    return Act(
        kind=ReceiptKind.QBR_PREPARED,
        tenant_id=qbr.tenant_id,
        actor=actor,
        at=qbr.as_of,
        subjects=(Subject(f"qbr/{qbr.id}/snapshot", qbr.sha256),),
        predicate={
            "qbr": str(qbr.id),
            "number": str(qbr.number),
            "period": qbr.period,
            "sections": section_digests(sections),
            "states": {each.id: each.state.value for each in sections},
        },
        policies=decision.policies,
        policy_version=decision.version,
    )


def entry_act(tenant_id: UUID, period: str, entry: Entry, actor: Actor, decision: Decision) -> Act:
    """What was said is in it by its digest: a comment that stays inside is nobody else's to read."""
    result: dict[str, Json] = {
        "period": period,
        "entry": str(entry.ordinal),
        "subject": entry.subject,
        "audience": entry.audience.value,
        "sha256": digest(entry.text),
    }
    if entry.verdict is not None:
        result |= {"verdict": entry.verdict.value, "seen": entry.seen}
    return Act(
        kind=_SAID[entry.kind],
        tenant_id=tenant_id,
        actor=actor,
        at=entry.at,
        subjects=(Subject(f"qbr/{period}/entries/{entry.ordinal}", digest(result)),),
        predicate=result,
        policies=decision.policies,
        policy_version=decision.version,
    )


def issued_act(
    qbr: Qbr,
    issue: Issue,
    body: Mapping[str, Json],
    sources: Sequence[Source],
    actor: Actor,
    decision: Decision,
    *,
    receipts: Mapping[UUID, str],
) -> Act:
    """It rests on the preparation, on what was said, on every receipt that a figure names, and on the
    documents it was laid beside.
    """
    return Act(
        kind=ReceiptKind.QBR_ISSUED,
        tenant_id=qbr.tenant_id,
        actor=actor,
        at=issue.at,
        subjects=(Subject(DOCUMENT_FILE, issue.sha256),),
        predicate={
            "qbr": str(qbr.id),
            "period": qbr.period,
            "revision": str(issue.revision),
            "acknowledgements": body["acknowledgements"],
            "omissions": body["omissions"],
        },
        inputs=(
            *(Input(each.file, each.sha256) for each in sources),
            *(Input(f"receipt/{id_}", sha256) for id_, sha256 in sorted(receipts.items())),
        ),
        policies=decision.policies,
        policy_version=decision.version,
        rationale=issue.reason,
    )


def commitment_act(commitment: Commitment, actor: Actor, decision: Decision) -> Act:
    """A commitment that is made, or settled."""
    made = commitment.state is CommitmentState.OPEN
    result: dict[str, Json] = {
        "commitment": str(commitment.id),
        "text": commitment.text,
        "owner": commitment.owner,
        "due": commitment.due.isoformat(),
        "state": commitment.state.value,
        "period": commitment.period,
        "made_at": rfc3339(commitment.made_at),
    }
    return Act(
        kind=ReceiptKind.QBR_COMMITMENT_MADE if made else ReceiptKind.QBR_COMMITMENT_SETTLED,
        tenant_id=commitment.tenant_id,
        actor=actor,
        at=commitment.at,
        subjects=(Subject(f"commitment/{commitment.id}", digest(result)),),
        predicate=result,
        policies=decision.policies,
        policy_version=decision.version,
        rationale=commitment.evidence,
    )
