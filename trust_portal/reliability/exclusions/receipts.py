"""What an exclusion after the fact leaves in its tenant's log, from the proposal to its end."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.reliability.exclusions.model import ExclusionState, Passage, StoredExclusion

KIND_OF: Final[Mapping[ExclusionState, ReceiptKind]] = MappingProxyType(
    {
        ExclusionState.PROPOSED: ReceiptKind.EXCLUSION_PROPOSED,
        ExclusionState.APPROVED: ReceiptKind.EXCLUSION_APPROVED,
        ExclusionState.DENIED: ReceiptKind.EXCLUSION_DENIED,
        ExclusionState.EXPIRED: ReceiptKind.EXCLUSION_EXPIRED,
        ExclusionState.WITHDRAWN: ReceiptKind.EXCLUSION_WITHDRAWN,
        ExclusionState.REVOKED: ReceiptKind.EXCLUSION_REVOKED,
    }
)


def state_act(
    exclusion: StoredExclusion,
    passage: Passage,
    actor: Actor,
    *,
    policies: tuple[str, ...],
    policy_version: str | None,
    inputs: tuple[Input, ...],
    further: Mapping[str, Json],
) -> Act:
    """A state that is reached. Each names the window whole, as reports that exclude it do."""
    return Act(
        kind=KIND_OF[passage.state],
        tenant_id=exclusion.tenant_id,
        actor=actor,
        at=passage.at,
        subjects=(Subject(exclusion.window, exclusion.sha256),),
        predicate={
            "exclusion": str(exclusion.id),
            "window": exclusion.window,
            "start": rfc3339(exclusion.start),
            "end": rfc3339(exclusion.end),
            "announced_at": rfc3339(exclusion.proposed_at),
            "recorded_at": rfc3339(exclusion.proposed_at),
            "reason": exclusion.reason,
            "evidence": exclusion.evidence,
            "objectives": None if exclusion.objectives is None else list(exclusion.objectives),
            "approval": str(exclusion.request_id),
            "state": passage.state.value,
            **further,
        },
        inputs=inputs,
        policies=policies,
        policy_version=policy_version,
        rationale=passage.reason,
    )


def inputs_of(receipts: Mapping[UUID, str]) -> tuple[Input, ...]:
    """Receipts as an act names what it rests on."""
    return tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in receipts.items())
