"""All sources at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trust_portal.access.tenants.repository import active_customers, tenants_by_id
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.postmortems.gathering.changes import gather_changes
from trust_portal.learning.postmortems.gathering.cost_impact import gather_cost_impact
from trust_portal.learning.postmortems.gathering.denials import gather_denials
from trust_portal.learning.postmortems.gathering.mitigation import SOURCE as PLAYBOOKS
from trust_portal.learning.postmortems.gathering.mitigation import gather_mitigation
from trust_portal.learning.postmortems.gathering.model import (
    Customer,
    Gathered,
    IncidentBrief,
    Missing,
)
from trust_portal.learning.postmortems.gathering.sla_impact import gather_sla_impact
from trust_portal.learning.postmortems.gathering.timeline import gather_timeline
from trust_portal.storage.unit_of_work import ReadSession

#: Of an incident that may have touched everybody, so many customers are looked at, by key.
MOST_CUSTOMERS: Final = 50
_TIMES: Final = (
    ("told_at", "nobody said when customers were told"),
    ("mitigated_at", "it is not mitigated yet, or nobody said so"),
    ("resolved_at", "it is not resolved yet, or nobody said so"),
)


async def gather(session: ReadSession, incident: Incident, now: datetime) -> Gathered:
    """In a snapshot of the staff scope: the same moment gives the same."""
    brief, missing = await _brief(session, incident)
    timeline = await gather_timeline(session, incident)
    changes, no_changes = await gather_changes(session, brief, now)
    denials, no_denials = await gather_denials(session, brief, now)
    mitigation = await gather_mitigation(session, brief, now)
    sla, no_sla = await gather_sla_impact(session, brief, now)
    cost, no_cost = await gather_cost_impact(session, brief, now)
    absent = [*missing, *no_changes, *no_denials, *no_sla, *no_cost]
    absent += [Missing("timeline", why) for name, why in _TIMES if getattr(brief, name) is None]
    if brief.customers and not mitigation:
        absent.append(Missing(PLAYBOOKS, "no playbook acted while it went on"))
    return Gathered(now, brief, (*timeline, *denials, *mitigation, *sla, *cost), changes, tuple(absent))


async def _brief(session: ReadSession, incident: Incident) -> tuple[IncidentBrief, list[Missing]]:
    missing = []
    if incident.everybody:
        everybody = await active_customers(session)
        tenants = everybody[:MOST_CUSTOMERS]
        if len(everybody) > MOST_CUSTOMERS:
            # How many there are is nobody's business who reads a copy.
            why = f"it may have touched every one; the first {MOST_CUSTOMERS} by key are looked at"
            missing.append(Missing("customers", why))
    else:
        found = await tenants_by_id(session, incident.tenants)
        tenants = tuple(sorted(found.values(), key=lambda each: each.key))
    brief = IncidentBrief(
        id=incident.id,
        source=incident.source,
        key=incident.key,
        title=incident.title,
        service=incident.service,
        team=incident.team or "",
        owner=incident.owner,
        severity=incident.severity.value,
        declared_severity=incident.declared_severity.value,
        worst_severity=incident.worst_severity.value,
        began_at=incident.began_at,
        detected_at=incident.detected_at,
        declared_at=incident.declared_at,
        told_at=incident.told_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        reopened=incident.reopened,
        everybody=incident.everybody,
        objectives=incident.objectives,
        customers=tuple(Customer(each.id, each.key, each.name) for each in tenants),
    )
    return brief, missing
