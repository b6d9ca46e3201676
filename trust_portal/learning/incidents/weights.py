"""What an incident is by itself, and what the others become once something weighs on them no longer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from trust_portal.facts.events import INCIDENT_UPDATED, PORTAL
from trust_portal.facts.operations_model import FactSource
from trust_portal.kernel.ids import new_id
from trust_portal.learning.incidents.course import own_severity
from trust_portal.learning.incidents.effects import ends_of, heard, severity_heard, touch_of
from trust_portal.learning.incidents.facts_repository import (
    downgrades_of,
    facts_about,
    facts_of,
)
from trust_portal.learning.incidents.folding import fold, ids_in
from trust_portal.learning.incidents.lowered import Lowered, lowered
from trust_portal.learning.incidents.model import ByItself, Incident, IncidentFact
from trust_portal.learning.incidents.naming import history_of
from trust_portal.learning.incidents.repository import find_incident
from trust_portal.storage.unit_of_work import ReadSession


async def by_itself(session: ReadSession, incident: Incident) -> ByItself:
    history = history_of(await facts_of(session, [incident.key]), (incident.source, incident.key))
    downgrades = await downgrades_of(session, [incident.id])
    mitigated_at, resolved_at, _ = ends_of(heard(history, incident.source))
    severity = own_severity(severity_heard(history, incident.source), downgrades)
    return ByItself(severity, mitigated_at, resolved_at)


async def goes_on_in(session: ReadSession, incident: Incident) -> tuple[Incident, ...]:
    """All that it was merged into, step by step."""
    found: list[Incident] = []
    while (into := (found or [incident])[-1].merged_into) is not None:
        found.append(await find_incident(session, into))
    return tuple(found)


async def lowered_by_unmerging(
    session: ReadSession, incident: Incident, now: datetime
) -> tuple[Lowered, ...]:
    """What would come of undoing its merger now."""
    before = await goes_on_in(session, incident)
    if not before:
        return ()
    told = await facts_about(session, [incident.key])
    undone = IncidentFact(
        key=new_id(),
        type=INCIDENT_UPDATED,
        subject=incident.key,
        time=now,
        body={"kind": "unmerged", "declared_by": incident.source},
        tenants=None,
        origin=FactSource(PORTAL, "", b"", now),
        by_two=True,
    )
    ids = ids_in(told)
    register = fold([*told, undone], await downgrades_of(session, ids))
    return lowered(before, register.incidents)


async def leaves_out(
    session: ReadSession,
    incident: Incident,
    tenants: Collection[UUID] | None,
    at: datetime,
    now: datetime,
) -> bool:
    """Whether it would take a customer out of a P1 or P2, if somebody said so at the portal ``now``, of ``at``."""
    said = IncidentFact(
        key=new_id(),
        type=INCIDENT_UPDATED,
        subject=incident.key,
        time=at,
        body={"kind": "affected", "declared_by": incident.source},
        tenants=None if tenants is None else tuple(tenants),
        origin=FactSource(PORTAL, "", b"", now),
    )
    history = history_of([*await facts_of(session, [incident.key]), said], (incident.source, incident.key))
    return said.key in touch_of(history, incident.source).claims
