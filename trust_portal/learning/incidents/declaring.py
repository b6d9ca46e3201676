"""A declaration at the portal's own door, in the transaction at hand."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.people.repository import active_people
from trust_portal.access.policy import Decision
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.facts.events import INCIDENT_DECLARED, PORTAL
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import DeclareIncident
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.integrations_repository import open_alarms, settle_alarms
from trust_portal.learning.incidents.model import Incident, incident_id
from trust_portal.learning.incidents.receipts import incident_json, told_act
from trust_portal.learning.incidents.telling import event_of, store_event
from trust_portal.storage.unit_of_work import WriteSession


async def declare_within(
    session: WriteSession,
    following: Following,
    ledger: Ledger,
    command: DeclareIncident,
    tenants: tuple[UUID, ...] | None,
    actor: Actor,
    decision: Decision,
    new_key: str,
) -> Incident:
    """The incident as declared; ``new_key`` is its key where the command names none. The gate was asked."""
    now, event_id, receipt_id = session.clock.now(), new_id(), new_id()
    for field in ("began_at", "detected_at"):
        if getattr(command, field) > now:
            raise InvalidInput("it lies in the future", field=field)
    key = command.key or new_key
    await repository.lock_register(session)
    if command.gap_of is not None and not await _is_gap(session, command.gap_of, key):
        raise Conflict(f"nothing that {command.gap_of} told by this key waits", code="NO_GAP", field="key")
    if await repository.incidents_of_keys(session, [key]):
        raise Conflict(f"there is an incident {key} already", code="ALREADY_DECLARED", field="key")
    if command.reason is None and await repository.is_gap(session, key):
        raise InvalidInput(
            "others told of it by this key already: say in words why it is what you say", field="reason"
        )
    data: dict[str, Json] = {
        "incident": key,
        "severity": command.severity.value,
        "title": command.title,
        "service": command.service,
        "team": command.team,
        "tenants": None if command.tenants is None else list(command.tenants),
        "objectives": None if command.objectives is None else list(command.objectives),
        "began_at": rfc3339(command.began_at),
        "detected_at": rfc3339(command.detected_at),
        "owner": await owner_address(session, command.owner_id, actor),
        "receipt": str(receipt_id),
        "by": actor.name,
    }
    read = event_of(INCIDENT_DECLARED, event_id, now, data, now)
    await store_event(session, read, tenants)
    await following.take_in_told(session, key, actor)
    incident = await repository.find_incident(session, incident_id(PORTAL, key))
    act = told_act(
        ReceiptKind.INCIDENT_DECLARED, incident_json(incident), read, actor, now, decision, command.reason
    )
    await ledger.record(session, act, receipt_id=receipt_id)
    if command.alarms_of is not None:
        await settle_alarms(session, command.alarms_of, incident, key, receipt_id, command.severity)
    return incident


async def _is_gap(session: WriteSession, source: str, key: str) -> bool:
    gap = await repository.find_gap(session, source, key)
    return gap is not None or bool(await open_alarms(session, source, key))


async def owner_address(session: WriteSession, owner_id: UUID | None, actor: Actor) -> str:
    """The address of the owner; of nobody in particular the name that declared it."""
    wanted = owner_id or actor.person_id or actor.id
    for person in await active_people(session, VENDOR_ID):
        if person.id == wanted:
            return person.email
    if owner_id is not None:
        raise InvalidInput("nobody of the vendor's people", field="owner")
    return actor.name
