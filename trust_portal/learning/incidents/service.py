"""What the vendor's people do with incidents: declare, tell, read. Each act is a fact with a receipt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import Person
from trust_portal.access.people.repository import active_people, everybody_ever
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import active_customers, find_tenant, tenants_by_id
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.facts.events import (
    INCIDENT_MITIGATED,
    INCIDENT_RESOLVED,
    INCIDENT_UPDATED,
    PORTAL,
)
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.names import require_words
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.actions.standings import derive_standings
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import (
    AdoptStrays,
    ChangeOwner,
    ChangeSeverity,
    DeclareIncident,
    MergeIncident,
    MitigateIncident,
    NoteIncident,
    ReopenIncident,
    ResolveIncident,
    SetAffected,
    TellCustomer,
    TellOfIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.declaring import declare_within, owner_address
from trust_portal.learning.incidents.following import Following, Rebuilt
from trust_portal.learning.incidents.lowered import Lowered, lowered
from trust_portal.learning.incidents.model import (
    NOUN,
    Incident,
    IncidentEntry,
    IncidentFilter,
    IncidentGap,
)
from trust_portal.learning.incidents.promised import (
    promised_objectives,
    require_promised,
    unknown_objectives,
)
from trust_portal.learning.incidents.receipts import incident_json, told_act
from trust_portal.learning.incidents.senseless import require_effect, require_word_of_its_own
from trust_portal.learning.incidents.standing_against import refuse_act
from trust_portal.learning.incidents.telling import event_of, store_event
from trust_portal.learning.incidents.weights import (
    by_itself,
    goes_on_in,
    lowered_by_unmerging,
)
from trust_portal.learning.postmortems.opening import postmortem_id_of
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_VENDOR: Final = TenantScope(VENDOR_ID)
_KINDS: Final[Mapping[type[TellOfIncident], tuple[str, ReceiptKind]]] = {
    AdoptStrays: ("note", ReceiptKind.INCIDENT_NOTED),
    NoteIncident: ("note", ReceiptKind.INCIDENT_NOTED),
    ChangeSeverity: ("severity", ReceiptKind.INCIDENT_SEVERITY_CHANGED),
    TellCustomer: ("told_customer", ReceiptKind.INCIDENT_TOLD_CUSTOMER),
    MitigateIncident: ("mitigated", ReceiptKind.INCIDENT_MITIGATED),
    ResolveIncident: ("resolved", ReceiptKind.INCIDENT_RESOLVED),
    ReopenIncident: ("reopened", ReceiptKind.INCIDENT_REOPENED),
    MergeIncident: ("merged", ReceiptKind.INCIDENT_MERGED),
    UnmergeIncident: ("unmerged", ReceiptKind.INCIDENT_UNMERGED),
    SetAffected: ("affected", ReceiptKind.INCIDENT_AFFECTED_SET),
    ChangeOwner: ("owner", ReceiptKind.INCIDENT_OWNER_CHANGED),
}
_STEPS: Final = {MitigateIncident: INCIDENT_MITIGATED, ResolveIncident: INCIDENT_RESOLVED}


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident as staff see it. ``customers`` are those it names; ``postmortem_id`` None: it takes none.

    ``unknown_objectives``: named by it, and in no contract in force. ``unmerging``: what undoing its merger lowers.
    """

    incident: Incident
    entries: tuple[IncidentEntry, ...]
    customers: tuple[Tenant, ...]
    merged_into: Incident | None
    merged: tuple[Incident, ...]
    postmortem_id: UUID | None
    unknown_objectives: tuple[str, ...] = ()
    unmerging: tuple[Lowered, ...] = ()


class Incidents:
    """All incidents, for the vendor's own people."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog, following: Following
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._following = following

    async def rebuild(self, actor: Actor, reason: str) -> tuple[Rebuilt, UUID]:
        """Make the register again from all facts, and where actions stand from their steps.

        What came out, and the receipt's id.
        """
        decision = await self._gate.require(actor, Action.INCIDENTS_REBUILD, Resource.of_house(NOUN))
        reason = require_words(reason, "reason")
        found = await self._following.rebuild()
        async with self._storage.write(_VENDOR) as session:
            found = replace(found, actions=await derive_standings(session))
            result: dict[str, Json] = {
                "incidents": str(found.incidents),
                "changed": str(found.changed),
                "unfounded": [str(each) for each in found.unfounded],
                "actions": str(found.actions),
            }
            now = session.clock.now()
            act = Act(
                kind=ReceiptKind.INCIDENTS_REBUILT,
                tenant_id=VENDOR_ID,
                actor=actor,
                at=now,
                subjects=(Subject(f"incidents/register/{rfc3339(now)}", digest(result)),),
                predicate=result,
                policies=decision.policies,
                policy_version=decision.version,
                rationale=reason,
            )
            receipt = await self._ledger.record(session, act)
        return found, receipt.id

    async def page(self, actor: Actor, wanted: IncidentFilter, request: PageRequest) -> Page[Incident]:
        """Those that ``wanted`` lets through, the last declared first; ``NotFound`` for a customer there is not."""
        await self._may_read(actor)
        customer = None
        if wanted.customer_id is not None:
            async with self._storage.read(TenantScope(wanted.customer_id)) as session:
                customer = await find_tenant(session, wanted.customer_id)
            if customer is None:
                raise NotFound("tenant")
        async with self._storage.read(_VENDOR) as session:
            return await repository.incidents_page(session, wanted, request, customer)

    async def get(self, actor: Actor, incident_id: UUID) -> IncidentView:
        """One incident with its timeline; ``NotFound`` if there is no such."""
        await self._may_read(actor)
        async with self._storage.read(_VENDOR, snapshot=True) as session:
            incident = await repository.find_incident(session, incident_id)
            into = incident.merged_into
            view = IncidentView(
                incident=incident,
                entries=await repository.entries_of(session, incident),
                customers=(),
                merged_into=None if into is None else await repository.find_incident(session, into),
                merged=await repository.merged_into(session, incident_id),
                postmortem_id=await postmortem_id_of(session, incident_id),
                unmerging=await lowered_by_unmerging(session, incident, self._storage.clock.now()),
            )
        if incident.objectives:
            promised = await self._promised(None if incident.everybody else incident.tenants)
            view = replace(view, unknown_objectives=unknown_objectives(incident.objectives, promised))
        if incident.tenants:
            async with self._storage.read(StaffScope()) as session:
                found = await tenants_by_id(session, incident.tenants)
            customers = tuple(sorted(found.values(), key=lambda tenant: tenant.key))
            for tenant in customers:
                await self._access_log.looked(actor, tenant.id, NOUN, incident.told_as, purpose="incidents")
            view = replace(view, customers=customers)
        return view

    async def owners(self, actor: Actor, incidents: Iterable[Incident]) -> Mapping[UUID, str]:
        """Who owns each of ``incidents``, by its id: the name of one of our people, else the owner as told."""
        await self._may_read(actor)
        async with self._storage.read(_VENDOR) as session:
            names: dict[UUID | None, str] = {
                each.id: each.name for each in await everybody_ever(session, VENDOR_ID)
            }
        return {each.id: names.get(each.owner_person_id, each.owner) for each in incidents}

    async def named(self, actor: Actor, name: str, field: str) -> Incident:
        """By its key, or source and key as ``SOURCE/KEY``. ``InvalidInput`` unless that is one incident."""
        await self._may_read(actor)
        name = name.strip()
        parts = [name[at + 1 :] for at, sign in enumerate(name) if sign == "/"]
        async with self._storage.read(_VENDOR) as session:
            found = await repository.incidents_of_keys(session, [name, *parts])
        fits = [each for each in found if name in {each.key, f"{each.source}/{each.key}"}]
        if not fits:
            raise InvalidInput(f"no incident was declared by the key {name!r}", field=field)
        if len(fits) > 1:
            names = " or ".join(f"{each.source}/{each.key}" for each in fits)
            raise InvalidInput(f"several were declared by this key: write {names}", field=field)
        return fits[0]

    async def gaps(self, actor: Actor) -> tuple[IncidentGap, ...]:
        """What was told of incidents that nobody declared, or several did."""
        await self._may_read(actor)
        async with self._storage.read(_VENDOR) as session:
            return await repository.gaps(session)

    async def choices(self, actor: Actor) -> tuple[tuple[Tenant, ...], tuple[Person, ...]]:
        """Customers and people of the vendor that a declaration can name."""
        await self._may_read(actor)
        async with self._storage.read(StaffScope()) as session:
            customers = await active_customers(session)
        async with self._storage.read(_VENDOR) as session:
            return customers, await active_people(session, VENDOR_ID)

    def new_key(self) -> str:
        """What an incident is called that its declarer gives no name."""
        return f"INC-{self._storage.clock.now():%Y%m%d}-{new_id().hex[-6:].upper()}"

    async def declared_before(self, command: DeclareIncident, actor: Actor) -> Incident | None:
        """What this very declaration has declared already; None where its key is of another one, or free."""
        await self._may_read(actor)
        async with self._storage.read(_VENDOR) as session:
            known = await repository.incidents_of_keys(session, [] if command.key is None else [command.key])
        return next((each for each in known if each.source == PORTAL and command.declares(each)), None)

    async def declare(self, command: DeclareIncident, actor: Actor) -> Incident:
        """It stands in the register, and a P1 or P2 has its postmortem, once this returns.

        Raises ``InvalidInput`` by field, and ``Conflict`` (ALREADY_DECLARED, NO_GAP, LESS_SEVERE than an alarm of it).
        """
        decision = await self._gate.require(actor, Action.INCIDENT_DECLARE, Resource.of_house(NOUN))
        tenants = await self._tenants(command.tenants)
        await self._require_promised(command.objectives, tenants)
        async with self._storage.write(_VENDOR) as session:
            return await declare_within(
                session, self._following, self._ledger, command, tenants, actor, decision, self.new_key()
            )

    async def tell(self, command: TellOfIncident, actor: Actor) -> Incident:
        """Put what happened into the timeline; what it makes of the incident.

        Raises ``InvalidInput`` by field; ``Conflict``: NEEDS_APPROVAL for what would make a P1 or P2 less
        (``Downgrades.ask``, ``Retractions.ask``), SAME_SEVERITY, NOT_OVER, ALREADY_OVER, SAME_INCIDENT, ALREADY_MERGED, NOT_MERGED, SAME_OWNER, SAME_AFFECTED.
        """
        decision = await self._gate.require(
            actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN, command.incident_id)
        )
        tenants = await self.affected(command) if isinstance(command, SetAffected) else None
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, command.incident_id)
            own = await refuse_act(session, command, incident, tenants)
            after = await self.tell_within(session, command, incident, actor, decision, tenants)
            at = command.at or session.clock.now()
            require_word_of_its_own(command, at, own, await by_itself(session, after))
            return after

    async def tell_within(
        self,
        session: WriteSession,
        command: TellOfIncident,
        incident: Incident,
        actor: Actor,
        decision: Decision,
        tenants: tuple[UUID, ...] | None = None,
        *,
        receipt_id: UUID | None = None,
        further: Mapping[str, Json] | None = None,
    ) -> Incident:
        """``tell`` in the caller's transaction, which holds the register and has asked the gate.

        ``further`` is what the receipt says besides.
        """
        now = session.clock.now()
        at = command.at or now
        if at > now:
            raise InvalidInput("it lies in the future", field="at")
        if isinstance(command, MitigateIncident | ResolveIncident) and at < incident.began_at:
            raise InvalidInput("it had not begun by then", field="at")
        kind, receipt_kind = _KINDS[type(command)]
        receipt_id = receipt_id or new_id()
        data: dict[str, Json] = {
            "incident": incident.key,
            "text": command.text,
            "declared_by": incident.source,
            "receipt": str(receipt_id),
            "by": actor.name,
        }
        type_ = _STEPS.get(type(command), INCIDENT_UPDATED)
        data |= {"kind": kind} if type_ == INCIDENT_UPDATED else {"at": rfc3339(at)}
        data |= await self._particulars(session, command, actor)
        read = event_of(type_, new_id(), at, data, now)
        before = await goes_on_in(session, incident) if isinstance(command, UnmergeIncident) else ()
        await store_event(session, read, tenants)
        register = await self._following.take_in_told(session, incident.key, actor)
        [after] = [each for each in register.incidents if each.id == incident.id]
        require_effect(command, incident, after)
        said = {**incident_json(after), **(further or {})}
        if isinstance(command, UnmergeIncident):
            said["lowered"] = [each.json() for each in lowered(before, register.incidents)]
        act = told_act(receipt_kind, said, read, actor, now, decision, command.text)
        await self._ledger.record(session, act, receipt_id=receipt_id)
        return after

    async def affected(self, command: SetAffected) -> tuple[UUID, ...] | None:
        """Whom the command names, by id. ``InvalidInput``: tenants, objectives."""
        tenants = await self._tenants(command.tenants)
        await self._require_promised(command.objectives, tenants)
        return tenants

    async def _particulars(
        self, session: WriteSession, command: TellOfIncident, actor: Actor
    ) -> dict[str, Any]:
        match command:
            case AdoptStrays():
                return {"adopts": command.source}
            case NoteIncident():
                return {"key": command.key}
            case ChangeSeverity():
                return {"severity": command.severity.value}
            case MergeIncident():
                into = await repository.find_incident(session, command.into_id)
                return {"into": into.key, "into_declared_by": into.source}
            case ChangeOwner():
                return {"owner": await owner_address(session, command.owner_id, actor)}
            case SetAffected():
                return {
                    "tenants": None if command.tenants is None else list(command.tenants),
                    "objectives": None if command.objectives is None else list(command.objectives),
                }
            case _:
                return {}

    async def _require_promised(
        self, objectives: tuple[str, ...] | None, tenants: tuple[UUID, ...] | None
    ) -> None:
        if objectives is not None:
            require_promised(objectives, await self._promised(tenants))

    async def _promised(self, tenants: Collection[UUID] | None) -> frozenset[str] | None:
        """By contracts in force now; ``tenants`` None: of every customer."""
        now = self._storage.clock.now()
        async with self._storage.read(StaffScope()) as session:
            whom = [each.id for each in await active_customers(session)] if tenants is None else tenants
            return await promised_objectives(session, whom, now)

    async def _tenants(self, keys: tuple[str, ...] | None) -> tuple[UUID, ...] | None:
        if keys is None:
            return None
        async with self._storage.read(StaffScope()) as session:
            known = {tenant.key: tenant.id for tenant in await active_customers(session)}
        if strange := [key for key in keys if key not in known]:
            raise InvalidInput(f"there is no customer {strange[0]!r}", field="tenants")
        return tuple(known[key] for key in keys)

    async def _may_read(self, actor: Actor) -> None:
        await self._gate.require(actor, Action.ALL_INCIDENTS_READ, Resource.of_house(NOUN))
