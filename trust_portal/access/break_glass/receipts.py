"""What emergency access leaves in the tenant's log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from trust_portal.access.approvals.receipts import inputs_of
from trust_portal.access.break_glass.model import Emergency, GlassStep, Grant, Record
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339


def opened(grant: Grant, actor: Actor, policies: tuple[str, ...], version: str) -> Act:
    return _act(
        ReceiptKind.BREAK_GLASS_OPENED,
        grant,
        actor,
        {
            **_whose(grant),
            "opened_at": rfc3339(grant.opened_at),
            "until": rfc3339(grant.until),
            "number": str(grant.number),
        },
        at=grant.opened_at,
        policies=policies,
        version=version,
        rationale=grant.reason,
    )


def closed(
    emergency: Emergency,
    step: GlassStep,
    record: Record,
    actor: Actor,
    opening: Mapping[str, str],
    policies: tuple[str, ...],
    version: str | None,
) -> Act:
    """``opening``: the receipt it rests on, name → SHA-256. Every act under it is an input too."""
    grant = emergency.grant
    return _act(
        ReceiptKind.BREAK_GLASS_CLOSED,
        grant,
        actor,
        {
            **_whose(grant),
            "until": rfc3339(grant.until),
            "closed_at": rfc3339(step.at),
            "looks": str(record.looks),
            "acts": [{"receipt": str(each.receipt_id), "kind": each.kind} for each in record.acts],
        },
        at=step.at,
        inputs=(
            *(Input(name, sha256) for name, sha256 in opening.items()),
            *inputs_of({each.receipt_id: each.sha256 for each in record.acts}),
        ),
        policies=policies,
        version=version,
        rationale=step.reason,
    )


def reviewed(
    emergency: Emergency,
    step: GlassStep,
    actor: Actor,
    approval: Mapping[str, Json],
    inputs: tuple[Input, ...],
    policies: tuple[str, ...],
    version: str | None,
) -> Act:
    """``approval`` is what the review says of itself: who reviewed as what."""
    assert step.outcome is not None, "a review has an outcome"  # noqa: S101 - narrows the type
    return _act(
        ReceiptKind.BREAK_GLASS_REVIEWED,
        emergency.grant,
        actor,
        {**_whose(emergency.grant), "outcome": step.outcome.value, **approval},
        at=step.at,
        inputs=inputs,
        policies=policies,
        version=version,
        rationale=step.reason,
    )


def _whose(grant: Grant) -> dict[str, Json]:
    return {"grant": str(grant.id), "person": str(grant.person_id)}


def _act(
    kind: ReceiptKind,
    grant: Grant,
    actor: Actor,
    result: dict[str, Json],
    *,
    at: datetime,
    rationale: str,
    policies: tuple[str, ...],
    version: str | None,
    inputs: tuple[Input, ...] = (),
) -> Act:
    word = kind.value.partition(".")[2]
    return Act(
        kind=kind,
        tenant_id=grant.tenant_id,
        actor=actor,
        at=at,
        subjects=(Subject(f"break-glass/{grant.id}/{word}", digest(result)),),
        predicate=result,
        inputs=inputs,
        policies=policies,
        policy_version=version,
        rationale=rationale,
    )
