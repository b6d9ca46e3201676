"""What stands against telling something of an incident, as the register is: asked in the transaction that holds it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from trust_portal.learning.incidents.acts_model import (
    ChangeSeverity,
    MergeIncident,
    SetAffected,
    TellOfIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.model import ByItself, Incident
from trust_portal.learning.incidents.repository import find_incident
from trust_portal.learning.incidents.senseless import (
    refuse_alone,
    refuse_circle,
    refuse_leaving_out,
    refuse_same_affected,
    refuse_senseless,
    refuse_severity,
)
from trust_portal.learning.incidents.weights import by_itself, goes_on_in, leaves_out, lowered_by_unmerging
from trust_portal.storage.unit_of_work import WriteSession


async def refuse_act(
    session: WriteSession, command: TellOfIncident, incident: Incident, tenants: Collection[UUID] | None
) -> ByItself:
    """What the incident is by itself until then. ``tenants``: whom it is said to touch; None: it may be all.

    Raises as ``Incidents.tell``.
    """
    refuse_senseless(command, incident)
    own = await by_itself(session, incident)
    match command:
        case ChangeSeverity():
            refuse_severity(command, incident, own.severity)
        case SetAffected(at=at, objectives=objectives):
            refuse_same_affected(incident, tenants, objectives)
            now = session.clock.now()
            refuse_leaving_out(left_out=await leaves_out(session, incident, tenants, at or now, now))
        case MergeIncident(into_id=into_id):
            refuse_circle(incident, await goes_on_in(session, await find_incident(session, into_id)))
        case UnmergeIncident():
            refuse_alone(await lowered_by_unmerging(session, incident, session.clock.now()))
    return own
