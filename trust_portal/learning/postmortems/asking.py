"""Whose signature a postmortem asks for: its incident's owner's, where that is somebody who can sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_person
from trust_portal.access.policy import Resource
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.postmortems.model import NOUN, Person, Postmortem
from trust_portal.storage.unit_of_work import ReadSession


@dataclass(frozen=True, slots=True)
class Asked:
    """``owner`` signs, nobody else; None: whoever may sign postmortems.

    ``instead_of`` is the incident's owner where they cannot: ``suspended``, or else without a role that may.
    """

    owner: Person | None
    instead_of: Person | None = None
    suspended: bool = False


async def asked_to_sign(
    session: ReadSession, gate: Gate, incident: Incident, postmortem: Postmortem, at: datetime
) -> Asked:
    """By the owner as the incident has it now, whoever that was when it was opened, and by what they may at ``at``."""
    owner_id = incident.owner_person_id
    found = None if owner_id is None else await find_person(session, VENDOR_ID, owner_id, at)
    if found is None:
        return Asked(None)
    owner = Person(found.id, found.name)
    resource = Resource.of_house(NOUN, postmortem.id)
    if found.active and gate.allows(found.as_actor(), Action.POSTMORTEM_SIGN, resource):
        return Asked(owner)
    return Asked(None, instead_of=owner, suspended=not found.active)
