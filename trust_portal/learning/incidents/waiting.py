"""What was told of an incident and the register has not taken in: nobody can say yet what it makes of it."""

from __future__ import annotations

from datetime import datetime

from trust_portal.facts.incident_touches import waiting_keys
from trust_portal.learning.incidents.facts_repository import facts_about
from trust_portal.learning.incidents.model import Incident
from trust_portal.storage.unit_of_work import ReadSession


async def something_waits(session: ReadSession, incident: Incident, until: datetime | None = None) -> bool:
    """Whether anything that came in (by ``until``) of the incident, or of what it may be merged with, waits.

    Asked of what waits, as it is only there that a merger which is not in the register yet names the incident.
    """
    keys = await waiting_keys(session, until)
    return bool(keys) and any(fact.subject == incident.key for fact in await facts_about(session, keys))
