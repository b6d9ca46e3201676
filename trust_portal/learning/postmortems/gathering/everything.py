"""All sources at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import customers_between, tenants_by_id
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.repository import ended_in
from trust_portal.learning.postmortems.gathering.changes import gather_changes
from trust_portal.learning.postmortems.gathering.cost_impact import gather_cost_impact
from trust_portal.learning.postmortems.gathering.denials import gather_denials
from trust_portal.learning.postmortems.gathering.mitigation import SOURCE as PLAYBOOKS
from trust_portal.learning.postmortems.gathering.mitigation import gather_mitigation
from trust_portal.learning.postmortems.gathering.model import (
    Customer,
    Gathered,
    IncidentBrief,
    MergedBrief,
    Missing,
)
from trust_portal.learning.postmortems.gathering.sla_impact import gather_sla_impact
from trust_portal.learning.postmortems.gathering.timeline import gather_timeline
from trust_portal.learning.postmortems.gathering.whom import customers_to_look_at
from trust_portal.storage.unit_of_work import ReadSession

_TIMES: Final = (
    ("told_at", "nobody said when customers were told"),
    ("mitigated_at", "it is not mitigated yet, or nobody said so"),
    ("resolved_at", "it is not resolved yet, or nobody said so"),
)


async def gather(session: ReadSession, incident: Incident, now: datetime, *, whole: bool) -> Gathered:
    """In a snapshot of the staff scope: the same moment gives the same. ``whole`` as in ``whom``.

    Of the incident, and of everything that goes on in it: one postmortem covers them all.
    """
    merged = await ended_in(session, incident.id)
    brief, missing = await _brief(session, incident, merged, now, whole=whole)
    timeline = await gather_timeline(session, incident, merged)
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


async def _brief(
    session: ReadSession, incident: Incident, merged: Sequence[Incident], now: datetime, *, whole: bool
) -> tuple[IncidentBrief, list[Missing]]:
    missing = []
    every = (incident, *merged)
    began_at = min(each.began_at for each in every)
    resolved_at = _last(each.resolved_at for each in every)
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
        began_at=began_at,
        detected_at=min(each.detected_at for each in every),
        declared_at=min(each.declared_at for each in every),
        told_at=min((each.told_at for each in every if each.told_at is not None), default=None),
        mitigated_at=_last(each.mitigated_at for each in every),
        resolved_at=resolved_at,
        reopened=sum(each.reopened for each in every),
        everybody=any(each.everybody for each in every),
        objectives=_objectives(every),
        customers=(),
        merged=tuple(_merged(each) for each in merged),
    )
    named = await tenants_by_id(session, {id_ for each in every for id_ in each.tenants})
    if brief.everybody:
        until = brief.over_at(now)
        served = {each.id: each for each in await customers_between(session, began_at, until)} | named
        touched = [each for each in served.values() if any(_touched(one, each, now) for one in every)]
        touched.sort(key=lambda each: each.key)
        looked_at = await customers_to_look_at(session, touched, brief, now, whole=whole)
        tenants = looked_at.tenants
        if looked_at.left_out is not None:
            missing.append(Missing("customers", looked_at.left_out))
    else:
        tenants = tuple(sorted(named.values(), key=lambda each: each.key))
    customers = tuple(Customer(each.id, each.key, each.name) for each in tenants)
    return replace(brief, customers=customers), missing


def _touched(incident: Incident, tenant: Tenant, now: datetime) -> bool:
    """Whether it names the tenant, or is everybody's and went on while this one was a customer."""
    if tenant.id in incident.tenants:
        return True
    left = tenant.offboarded_at is not None and tenant.offboarded_at <= incident.began_at
    return incident.everybody and not left and tenant.onboarded_at < min(incident.resolved_at or now, now)


def _last(ends: Iterable[datetime | None]) -> datetime | None:
    """The last of ``ends``; None while one of them has not come."""
    found = list(ends)
    known = [each for each in found if each is not None]
    return max(known) if len(known) == len(found) else None


def _objectives(every: Sequence[Incident]) -> tuple[str, ...] | None:
    """Those of all; None where it may be all there are."""
    found: set[str] = set()
    for each in every:
        if each.objectives is None:
            return None
        found.update(each.objectives)
    return tuple(sorted(found)) if len(every) > 1 else every[0].objectives


def _merged(incident: Incident) -> MergedBrief:
    return MergedBrief(
        id=incident.id,
        source=incident.source,
        key=incident.key,
        title=incident.title,
        service=incident.service,
        severity=incident.severity.value,
        declared_severity=incident.declared_severity.value,
        worst_severity=incident.worst_severity.value,
        began_at=incident.began_at,
        declared_at=incident.declared_at,
        resolved_at=incident.resolved_at,
    )
