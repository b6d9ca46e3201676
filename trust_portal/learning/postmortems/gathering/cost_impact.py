"""Cost anomalies that overlap the incident: what each came to beyond what was expected.

That none was found says something only of hours that were looked at: where usage is not metered, or an hour of the
incident is not closed yet, the source is missing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from trust_portal.cost.anomalies.overlapping import AnomalyLine, lines_overlapping
from trust_portal.cost.metering.model import Progress
from trust_portal.cost.metering.repository import progress_of
from trust_portal.evidence.receipt_rows import digests_of_tenants
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
    keys = {each.id: each.key for each in incident.customers}
    progress = await progress_of(session, keys)
    missing = [
        Missing(SOURCE, why, key)
        for id_, key in keys.items()
        if (why := _not_looked_at(progress.get(id_), incident, now)) is not None
    ]
    found = await lines_overlapping(session, keys, incident.began_at, incident.over_at(now))
    receipts = await digests_of_tenants(
        session, keys, [each.receipt_id for each in found if each.receipt_id is not None]
    )
    facts: dict[UUID, list[Fact]] = {id_: [] for id_ in keys}
    for anomaly in found:
        receipt = anomaly.receipt_id
        sha256 = receipts.get((anomaly.tenant_id, receipt)) if receipt is not None else None
        facts[anomaly.tenant_id].append(_fact(anomaly, sha256, keys[anomaly.tenant_id]))
    return tuple(chain.from_iterable(facts.values())), tuple(missing)


def _fact(anomaly: AnomalyLine, sha256: str | None, customer: str) -> Fact:
    """By its receipt, where that is there; else by what it says."""
    fields = _fields(anomaly)
    return Fact(
        str(anomaly.id),
        FactKind.COST,
        SOURCE if sha256 is None else f"receipt/{anomaly.receipt_id}",
        anomaly.started_at,
        sha256 or digest({"id": str(anomaly.id), **fields}),
        fields,
        customer,
    )


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


def _fields(anomaly: AnomalyLine) -> dict[str, str | None]:
    return {
        "subsystem": anomaly.subsystem,
        "state": anomaly.state,
        "severity": anomaly.severity,
        "last_at": rfc3339(anomaly.last_at),
        "expected": f"{anomaly.expected:f}",
        "actual": f"{anomaly.actual:f}",
        "excess": f"{anomaly.actual - anomaly.expected:f}",
        "currency": anomaly.currency,
        "revision": str(anomaly.revision),
    }
