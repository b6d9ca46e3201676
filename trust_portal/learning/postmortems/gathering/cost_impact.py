"""Cost anomalies that overlap the incident: what each came to beyond what was expected.

That none was found says something only of hours that were looked at: where usage is not metered, or an hour of the
incident is not closed yet, the source is missing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.anomalies.repository import anomalies_overlapping
from trust_portal.cost.metering.model import Progress
from trust_portal.cost.metering.repository import find_progress
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.gathering.model import Fact, FactKind, IncidentBrief, Missing
from trust_portal.storage.unit_of_work import ReadSession

SOURCE: Final = "cost anomalies"
_HOUR: Final = timedelta(hours=1)


async def gather_cost_impact(
    session: ReadSession, incident: IncidentBrief, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Missing, ...]]:
    """By customer, oldest first. The figures are the whole anomaly's, not the overlap's. In the staff scope."""
    facts: list[Fact] = []
    missing: list[Missing] = []
    for customer in incident.customers:
        why = _not_looked_at(await find_progress(session, customer.id), incident, now)
        if why is not None:
            missing.append(Missing(SOURCE, why, customer.key))
        found = await anomalies_overlapping(session, customer.id, incident.began_at, incident.over_at(now))
        receipts = await receipt_digests(
            session, customer.id, *(id_ for each in found if (id_ := _receipt(each)) is not None)
        )
        for anomaly in found:
            fields = _fields(anomaly)
            receipt = _receipt(anomaly)
            sha256 = receipts.get(receipt) if receipt is not None else None
            source = SOURCE if sha256 is None else f"receipt/{receipt}"
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
    return tuple(facts), tuple(missing)


def _not_looked_at(progress: Progress | None, incident: IncidentBrief, now: datetime) -> str | None:
    """Why the hours of the incident say nothing, or not all; ``None`` where all are closed."""
    if progress is None:
        return "no usage of this customer is metered"
    if incident.began_at < progress.first_hour:
        return f"usage is metered from {rfc3339(progress.first_hour)} on"
    if progress.closed_through is None:
        return "no hour of usage is closed yet"
    until = progress.closed_through + _HOUR
    return None if incident.over_at(now) <= until else f"usage is closed until {rfc3339(until)} only"


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
