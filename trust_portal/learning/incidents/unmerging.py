"""A merger is undone by which a P1 or P2 is one no longer: asked for by one, approved by two others, and only then so."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import ApprovalRefused, NeedsApproval, state_of
from trust_portal.access.approvals.model import ApprovalKind, AskApproval, Intent
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import vendor_itself
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.facts.events import INCIDENT_UPDATED
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import UnmergeIncident
from trust_portal.learning.incidents.facts_repository import facts_of
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.lowered import Lowered
from trust_portal.learning.incidents.model import NOUN, Incident
from trust_portal.learning.incidents.receipts import unmerged_by_two_act
from trust_portal.learning.incidents.service import Incidents
from trust_portal.learning.incidents.telling import event_of, store_event
from trust_portal.learning.incidents.unmergers_repository import (
    AskedUnmerger,
    add_asked,
    add_unmerger,
    asked_of,
    find_asked,
)
from trust_portal.learning.incidents.unmerging_intent import unmerging_intent
from trust_portal.learning.incidents.weights import lowered_by_unmerging
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

_KIND: Final = ApprovalKind.SEVERITY_DOWNGRADE
_VENDOR: Final = TenantScope(VENDOR_ID)


class Unmergings:
    """Nothing is told of the incident until two approved; then it counts from that moment."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        approvals: Approvals,
        incidents: Incidents,
        following: Following,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._incidents = incidents
        self._following = following

    async def undo(self, command: UnmergeIncident, actor: Actor) -> UUID | None:
        """At once where nothing gets less by it; else the id of the approval. As ``Incidents.tell`` and ``ask``."""
        try:
            await self._incidents.tell(command, actor)
        except NeedsApproval:
            return await self.ask(command, actor)
        return None

    async def ask(self, command: UnmergeIncident, actor: Actor) -> UUID:
        """The id of the approval that is asked for.

        Raises ``Conflict``: NOT_MERGED, NOT_LESS for what needs none (``Incidents.tell``), ALREADY_ASKED,
        NO_APPROVAL_RULE, UNFULFILLABLE.
        """
        await self._gate.require(actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN, command.incident_id))
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, command.incident_id)
            intent, _ = await _shown(session, incident)
            if await _waiting(session, incident.id, session.clock.now()):
                raise Conflict("that this merger is undone waits for approval already", code="ALREADY_ASKED")
            ask = AskApproval(VENDOR_ID, intent, command.text, f"{NOUN}/{incident.id}")
            request = await self._approvals.open(session, ask, actor, electorate)
            await add_asked(session, AskedUnmerger(request.id, incident.id))
        return request.id

    async def waiting(self, actor: Actor, incident_id: UUID) -> UUID | None:
        """The approval that undoing the incident's merger waits for, if it does."""
        await self._gate.require(actor, Action.ALL_INCIDENTS_READ, Resource.of_house(NOUN, incident_id))
        async with self._storage.read(_VENDOR) as session:
            return await _waiting(session, incident_id, self._storage.clock.now())

    async def asked(self, request_id: UUID) -> AskedUnmerger | None:
        """What was asked for by this approval; None where it is none of these."""
        async with self._storage.read(_VENDOR) as session:
            return await find_asked(session, request_id)

    async def approval_settled(self, request_id: UUID) -> Incident | None:
        """Undo the merger, once, where it was approved. Again it changes nothing.

        What no longer is what the approvers saw is void: nothing is undone then.
        """
        asked = await self.asked(request_id)
        if asked is None:
            raise NotFound(NOUN)
        return await self._approvals.settle(
            VENDOR_ID, request_id, lambda: self._undo(asked), "Its merger cannot be undone"
        )

    async def _undo(self, asked: AskedUnmerger) -> Incident:
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, asked.incident_id)
            try:
                intent, lowered = await _shown(session, incident)
            except Conflict as conflict:
                raise ApprovalRefused(conflict.message, code="STALE") from conflict
            used = await self._approvals.use(session, asked.request_id, intent, SYSTEM, electorate)
            now, receipt_id, request = session.clock.now(), new_id(), used.approval.request
            data: dict[str, Json] = {
                "incident": incident.key,
                "kind": "unmerged",
                "text": request.reason,
                "declared_by": incident.source,
                "receipt": str(receipt_id),
                "by": request.requester_name,
            }
            read = event_of(INCIDENT_UPDATED, new_id(), now, data, now)
            await store_event(session, read, None)
            act = unmerged_by_two_act(incident, lowered, read, SYSTEM, now, used)
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await add_unmerger(session, asked, UUID(bytes=read.key), used, receipt_id)
            register = await self._following.take_in_told(session, incident.key, SYSTEM)
            [after] = [each for each in register.incidents if each.id == incident.id]
            if after.merge_key is not None:
                raise ApprovalRefused("it was merged after that", code="STALE")
            return after


async def _shown(session: WriteSession, incident: Incident) -> tuple[Intent, tuple[Lowered, ...]]:
    """What approvers are shown, and what gets less. Raises ``Conflict``: NOT_MERGED, NOT_LESS."""
    if incident.merged_into is None:
        raise Conflict("it was not merged into another", code="NOT_MERGED")
    lowered = await lowered_by_unmerging(session, incident, session.clock.now())
    if not any(each.takes_two for each in lowered):
        raise Conflict("no P1 or P2 gets less by it: it takes no approval", code="NOT_LESS")
    into = await repository.find_incident(session, incident.merged_into)
    told = await facts_of(session, [incident.key])
    return unmerging_intent(await vendor_itself(session), incident, into, lowered, told), lowered


async def _waiting(session: ReadSession, incident_id: UUID, now: datetime) -> UUID | None:
    for request_id in await asked_of(session, incident_id):
        if state_of(await load(session, VENDOR_ID, request_id), now).live:
            return request_id
    return None
