"""What an explanation leaves in the log: its figures, and digests of everything they rest on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.cost.explanation.evidence import Candidate
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.cost.metering.model import PlaceCost
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339


def explained_act(
    explanation: Explanation, tenant_id: UUID, actor: Actor, decision: Decision, at: datetime
) -> Act:
    """The act ``anomaly.explained``. Amounts and shares are strings, as in every signed document."""
    anomaly = explanation.anomaly
    result = explained_json(explanation)
    return Act(
        kind=ReceiptKind.ANOMALY_EXPLAINED,
        tenant_id=tenant_id,
        actor=actor,
        at=at,
        subjects=(Subject(f"anomaly/{anomaly.id}", digest(result)),),
        predicate=result,
        inputs=(
            Input("usage/window", digest(_places_json(explanation.window))),
            Input("usage/comparable", digest(_places_json(explanation.before))),
            Input("candidates", digest([_candidate(each) for each in explanation.candidates])),
        ),
        policies=decision.policies,
        policy_version=decision.version,
    )


def explained_json(explanation: Explanation) -> dict[str, Json]:
    """The explanation as it is signed."""
    anomaly, attribution = explanation.anomaly, explanation.attribution
    return {
        "anomaly": str(anomaly.id),
        "revision": anomaly.revision,
        "subsystem": anomaly.series.subsystem,
        "currency": anomaly.series.currency,
        "hours": {"start": rfc3339(anomaly.started_at), "end": rfc3339(explanation.end)},
        "comparable": [rfc3339(each) for each in explanation.comparable],
        "delta": f"{attribution.delta:f}",
        "causes": [
            {
                "where": dict(cause.where),
                "contribution": f"{cause.contribution:f}",
                "share": None if cause.share is None else f"{cause.share:.6f}",
                "confidence": f"{cause.confidence:.4f}",
            }
            for cause in attribution.causes
        ],
        "unexplained": f"{attribution.unexplained:f}",
        "links": [
            {
                "kind": link.kind.value,
                "key": link.key,
                "at": rfc3339(link.at),
                "strength": link.strength.value,
                "score": f"{link.score:.2f}",
                "reasons": list(link.reasons),
                "event": {"source": link.reference.source, "id": link.reference.event_id},
                "receipt": link.reference.receipt,
            }
            for link in explanation.links
        ],
    }


def _places_json(places: tuple[PlaceCost, ...]) -> list[Json]:
    return [
        [each.resource, each.operation, each.region, each.adapter, dict(each.labels), f"{each.cost:f}"]
        for each in places
    ]


def _candidate(candidate: Candidate) -> Json:
    return [type(candidate).__name__, candidate.reference.source, candidate.reference.event_id]
