"""What was told of nobody's incident is said to belong to one: the act that ends a gap that no event will end.

    undeclared  declared at the portal under its own key, and merged into the incident
    ambiguous   a note of the incident adopts what this source tells by their key
    unmatched   a note of the incident settles the alarms that no rule took

Each is on record with its reason and a receipt, like whatever else is told at the portal.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import active_people
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.repository import tenants_by_id
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import (
    AdoptStrays,
    AssignGap,
    DeclareIncident,
    MergeIncident,
    NoteIncident,
    one_line,
)
from trust_portal.learning.incidents.declaring import declare_within
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.integrations_model import OpenGap
from trust_portal.learning.incidents.integrations_repository import open_alarms, settle_alarms
from trust_portal.learning.incidents.model import (
    NOUN,
    GapReason,
    Incident,
    IncidentGap,
    Severity,
)
from trust_portal.learning.incidents.service import Incidents
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

_VENDOR: Final = TenantScope(VENDOR_ID)
_LONGEST_TITLE: Final = 200


class GapAssigning:
    """For whoever tells of incidents."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, incidents: Incidents, following: Following
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._incidents = incidents
        self._following = following

    async def find(self, actor: Actor, source: str, key: str) -> OpenGap:
        """What ``source`` told by ``key`` and belongs to no incident; ``NotFound`` where there is nothing."""
        await self._gate.require(actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN))
        async with self._storage.read(_VENDOR) as session:
            return await _find(session, source, key)

    async def assign(self, command: AssignGap, actor: Actor) -> Incident:
        """The incident as it stands then. ``NotFound`` where there is no such gap (any more).

        Raises ``InvalidInput`` (of an ambiguous key it is one of those that were declared by it), ``Conflict``:
        LESS_SEVERE for alarms that a rule read as worse than it ever was, or that named no severity, and were a P1
        or P2 by what the command says or for want of that.
        """
        decision = await self._gate.require(
            actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN, command.incident_id)
        )
        async with self._storage.read(_VENDOR) as session:
            seen = await repository.find_incident(session, command.incident_id)
        async with self._storage.read(StaffScope()) as session:
            named = await tenants_by_id(session, seen.tenants)
        keys = None if seen.everybody else tuple(sorted(each.key for each in named.values()))
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            found = await _find(session, command.source, command.key)
            incident = await repository.find_incident(session, command.incident_id)
            if found.alarms:
                receipt_id = new_id()
                told = NoteIncident(incident.id, command.text)
                said = None if command.severity is None else command.severity.value
                incident = await self._incidents.tell_within(
                    session,
                    told,
                    incident,
                    actor,
                    decision,
                    receipt_id=receipt_id,
                    further={"alarms": {"source": command.source, "key": command.key, "said_severity": said}},
                )
                await settle_alarms(
                    session, command.source, incident, command.key, receipt_id, command.severity
                )
            if found.gap is None:
                return incident
            if found.gap.reason is GapReason.AMBIGUOUS:
                if incident.key != command.key:
                    raise InvalidInput(
                        "it belongs to one of those that were declared by this key", field="incident"
                    )
                adopts = AdoptStrays(incident.id, command.text, source=command.source)
                return await self._incidents.tell_within(session, adopts, incident, actor, decision)
            if incident.tenants != seen.tenants:
                raise Conflict("somebody changed whom it touches meanwhile: look again", code="STALE")
            return await self._merged(session, found.gap, incident, keys, command, actor, decision)

    async def _merged(
        self,
        session: WriteSession,
        gap: IncidentGap,
        incident: Incident,
        tenants: tuple[str, ...] | None,
        command: AssignGap,
        actor: Actor,
        decision: Decision,
    ) -> Incident:
        """Declared, of whom the incident touches, and at once merged into that.

        Never as less than was told; as the P1 that it may have been, where nothing was and nobody says what it was.
        """
        told = [each for each in (command.severity, gap.worst_severity) if each is not None]
        part = await declare_within(
            session,
            self._following,
            self._ledger,
            DeclareIncident(
                title=one_line(f"Part of: {incident.title}"[:_LONGEST_TITLE], "title"),
                severity=min(told, default=Severity.P1),
                service=incident.service,
                began_at=gap.first_at,
                detected_at=gap.first_at,
                tenants=tenants or None,
                objectives=incident.objectives,
                owner_id=await _active_owner(session, incident),
                team=incident.team,
                reason=command.text,
            ),
            None if incident.everybody else incident.tenants,
            actor,
            decision,
            # As it was told, not as people would write it: a blank around it would leave the gap open.
            gap.key,
        )
        merger = MergeIncident(part.id, command.text, into_id=incident.id)
        await self._incidents.tell_within(session, merger, part, actor, decision)
        return await repository.find_incident(session, incident.id)


async def _active_owner(session: ReadSession, incident: Incident) -> UUID | None:
    """None: nobody that is known here, or who is suspended; whoever says that this belongs to it owns it then."""
    active = {person.id for person in await active_people(session, VENDOR_ID)}
    return incident.owner_person_id if incident.owner_person_id in active else None


async def _find(session: ReadSession, source: str, key: str) -> OpenGap:
    gap = await repository.find_gap(session, source, key)
    alarms = await open_alarms(session, source, key)
    candidates: tuple[Incident, ...] = ()
    if gap is None and not alarms:
        raise NotFound("gap")
    if gap is not None and gap.reason is GapReason.AMBIGUOUS:
        candidates = await repository.incidents_of_keys(session, [key])
    return OpenGap(source, key, gap, alarms, candidates)
