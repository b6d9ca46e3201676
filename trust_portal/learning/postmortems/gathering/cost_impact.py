"""Cost anomalies that overlap the incident: what each came to beyond what was expected."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.anomalies.repository import anomalies_overlapping
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.gathering.model import Fact, FactKind, IncidentBrief
from trust_portal.storage.unit_of_work import ReadSession

SOURCE: Final = "cost anomalies"


async def gather_cost_impact(
    session: ReadSession, incident: IncidentBrief, now: datetime
) -> tuple[Fact, ...]:
    """By customer, oldest first. The figures are the whole anomaly's, not the overlap's. In the staff scope."""
    facts: list[Fact] = []
    for customer in incident.customers:
        found = await anomalies_overlapping(session, customer.id, incident.began_at, incident.over_at(now))
        receipts = await receipt_digests(
            session, customer.id, *(id_ for each in found if (id_ := _receipt(each)) is not None)
        )
        for anomaly in found:
            fields = _fields(anomaly)
            receipt = _receipt(anomaly)
            sha256 = receipts.get(receipt) if receipt is not None else None
            source = "cost anomalies" if sha256 is None else f"receipt/{receipt}"
            facts.append(
                Fact(
                    str(anomaly.id),
                    FactKind.COST,
                    source,
                    anomaly.started_at,
                    sha256 or digest({"id": str(anomaly.id), **fields}),
                    fields,
                    customer.key,
                )
            )
    return tuple(facts)


def _receipt(anomaly: CostAnomaly) -> UUID | None:
    return anomaly.closed_receipt_id or anomaly.explained_receipt_id or anomaly.opened_receipt_id


def _fields(anomaly: CostAnomaly) -> dict[str, str | None]:
    return {
        "subsystem": anomaly.series.subsystem,
        "state": anomaly.state.value,
        "severity": anomaly.severity.value,
        "last_at": rfc3339(anomaly.last_at),
        "expected": f"{anomaly.figures.expected:f}",
        "actual": f"{anomaly.figures.actual:f}",
        "excess": f"{anomaly.figures.excess:f}",
        "currency": anomaly.series.currency,
        "revision": str(anomaly.revision),
    }
