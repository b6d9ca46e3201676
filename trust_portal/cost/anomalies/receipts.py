"""What an anomaly leaves in its tenant's log. Amounts and scores are decimal strings."""

from __future__ import annotations

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.evidence.act import Act
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339


def anomaly_json(anomaly: CostAnomaly) -> dict[str, Json]:
    """An anomaly as it stands, as receipts state it."""
    return {
        "anomaly": str(anomaly.id),
        "subsystem": anomaly.series.subsystem,
        "currency": anomaly.series.currency,
        "direction": anomaly.direction.value,
        "kind": anomaly.kind.value,
        "state": anomaly.state.value,
        "severity": anomaly.severity.value,
        "score": f"{anomaly.score:.3f}",
        "confidence": f"{anomaly.confidence:.3f}",
        "start": rfc3339(anomaly.started_at),
        "peak": rfc3339(anomaly.peak_at),
        "last": rfc3339(anomaly.last_at),
        "detected_at": rfc3339(anomaly.detected_at),
        "expected": f"{anomaly.figures.expected:f}",
        "actual": f"{anomaly.figures.actual:f}",
        "excess": f"{anomaly.figures.excess:f}",
        "unexplained": f"{anomaly.unexplained:f}",
        "detector": {"name": anomaly.detector, "version": anomaly.detector_version},
        "thresholds": anomaly.evidence.get("thresholds", {}),
        "suppression": None if anomaly.suppression_id is None else str(anomaly.suppression_id),
        "revision": str(anomaly.revision),
    }


def anomaly_act(kind: ReceiptKind, anomaly: CostAnomaly, actor: Actor) -> Act:
    """The act of opening or closing; a second closing names the receipt that it supersedes."""
    result = anomaly_json(anomaly)
    if kind is ReceiptKind.ANOMALY_CLOSED and anomaly.closed_receipt_id is not None:
        result["supersedes"] = str(anomaly.closed_receipt_id)
    return Act(
        kind=kind,
        tenant_id=anomaly.tenant_id,
        actor=actor,
        at=anomaly.changed_at,
        subjects=(Subject(f"anomaly/{anomaly.id}/{anomaly.revision}", digest(result)),),
        predicate=result,
    )
