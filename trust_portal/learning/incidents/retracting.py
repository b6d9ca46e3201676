"""What was said of a P1 or P2 is taken back: asked for by one, approved by two others, and only then so.

An undone merger by which something is a P1 or P2 no longer, and customers whom it touched and shall not.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import ApprovalKind, AskApproval, Intent
from trust_portal.access.approvals.recording import first_live
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import active_customers, vendor_itself
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.facts.events import INCIDENT_UPDATED
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import SetAffected, UnmergeIncident
from trust_portal.learning.incidents.facts_repository import facts_of
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.lowered import Lowered
from trust_portal.learning.incidents.lowering_intents import narrowing_intent, unmerging_intent
from trust_portal.learning.incidents.model import NOUN, Incident
from trust_portal.learning.incidents.receipts import retracted_act
from trust_portal.learning.incidents.retractions_repository import (
    Retraction,
    add_asked,
    add_retraction,
    asked_of,
    find_asked,
)
from trust_portal.learning.incidents.service import Incidents
from trust_portal.learning.incidents.telling import event_of, store_event
from trust_portal.learning.incidents.weights import leaves_out, lowered_by_unmerging
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_KIND: Final = ApprovalKind.SEVERITY_DOWNGRADE
_VENDOR: Final = TenantScope(VENDOR_ID)
_NOBODY_LESS: Final = "no customer is left out of a P1 or P2: it takes no approval"


class Retractions:
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

    async def ask(self, command: UnmergeIncident | SetAffected, actor: Actor) -> UUID:
        """The id of the approval that is asked for.

        Raises ``Conflict``: NOT_MERGED, NOT_LESS for what needs none (``Incidents.tell``), ALREADY_ASKED,
        NO_APPROVAL_RULE, UNFULFILLABLE; ``InvalidInput`` (tenants, objectives).
        """
        await self._gate.require(actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN, command.incident_id))
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        asked = Retraction(command.incident_id)
        if isinstance(command, SetAffected):
            tenants = await self._incidents.affected(command)
            if tenants is None:
                raise Conflict(_NOBODY_LESS, code="NOT_LESS")
            asked = Retraction(command.incident_id, tenants, command.objectives)
        customers = await self._customers()
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, command.incident_id)
            intent, _ = await _shown(session, incident, asked, customers)
            if await first_live(
                session, VENDOR_ID, await asked_of(session, incident.id), session.clock.now()
            ):
                raise Conflict("something of it waits for approval already", code="ALREADY_ASKED")
            ask = AskApproval(VENDOR_ID, intent, command.text, f"{NOUN}/{incident.id}")
            request = await self._approvals.open(session, ask, actor, electorate)
            await add_asked(session, request.id, asked)
        return request.id

    async def waiting(self, actor: Actor, incident_id: UUID) -> UUID | None:
        """The approval that taking something of the incident back waits for, if it does."""
        await self._gate.require(actor, Action.ALL_INCIDENTS_READ, Resource.of_house(NOUN, incident_id))
        async with self._storage.read(_VENDOR) as session:
            asked = await asked_of(session, incident_id)
            return await first_live(session, VENDOR_ID, asked, self._storage.clock.now())

    async def asked(self, request_id: UUID) -> Retraction | None:
        """What was asked for by this approval; None where it is none of these."""
        async with self._storage.read(_VENDOR) as session:
            return await find_asked(session, request_id)

    async def approval_settled(self, request_id: UUID) -> Incident | None:
        """Tell it, once, where it was approved. Again it changes nothing.

        What no longer is what the approvers saw is void: nothing is taken back then.
        """
        asked = await self.asked(request_id)
        if asked is None:
            raise NotFound(NOUN)
        return await self._approvals.settle(
            VENDOR_ID, request_id, lambda: self._take_back(request_id, asked), "It cannot be taken back"
        )

    async def _take_back(self, request_id: UUID, asked: Retraction) -> Incident:
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        customers = await self._customers()
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, asked.incident_id)
            try:
                intent, lowered = await _shown(session, incident, asked, customers)
            except Conflict as conflict:
                raise ApprovalRefused(conflict.message, code="STALE") from conflict
            used = await self._approvals.use(session, request_id, intent, SYSTEM, electorate)
            now, receipt_id, request = session.clock.now(), new_id(), used.approval.request
            data: dict[str, Json] = {
                "incident": incident.key,
                "text": request.reason,
                "declared_by": incident.source,
                "receipt": str(receipt_id),
                "by": request.requester_name,
                **_said(asked, customers),
            }
            read = event_of(INCIDENT_UPDATED, new_id(), now, data, now)
            await store_event(session, read, asked.tenants)
            kind = (
                ReceiptKind.INCIDENT_UNMERGED if asked.tenants is None else ReceiptKind.INCIDENT_AFFECTED_SET
            )
            act = retracted_act(kind, incident, lowered, read, SYSTEM, now, used)
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await add_retraction(session, incident.id, UUID(bytes=read.key), used, receipt_id)
            register = await self._following.take_in_told(session, incident.key, SYSTEM)
            [after] = [each for each in register.incidents if each.id == incident.id]
            if asked.tenants is None and after.merge_key is not None:
                raise ApprovalRefused("it was merged after that", code="STALE")
            if asked.tenants is not None and set(after.tenants) != set(asked.tenants):
                raise ApprovalRefused("whom it touches was said anew after that", code="STALE")
            return after

    async def _customers(self) -> dict[UUID, Tenant]:
        async with self._storage.read(StaffScope()) as session:
            return {each.id: each for each in await active_customers(session)}


def _said(asked: Retraction, customers: dict[UUID, Tenant]) -> dict[str, Any]:
    if asked.tenants is None:
        return {"kind": "unmerged"}
    return {
        "kind": "affected",
        "tenants": [customers[each].key for each in asked.tenants],
        "objectives": None if asked.objectives is None else list(asked.objectives),
    }


async def _shown(
    session: WriteSession, incident: Incident, asked: Retraction, customers: dict[UUID, Tenant]
) -> tuple[Intent, tuple[Lowered, ...]]:
    """What approvers are shown, and what gets less. Raises ``Conflict``: NOT_MERGED, NOT_LESS, STALE."""
    vendor, told = await vendor_itself(session), await facts_of(session, [incident.key])
    now = session.clock.now()
    if asked.tenants is not None:
        if gone := [each for each in asked.tenants if each not in customers]:
            raise Conflict(f"{len(gone)} of whom it should touch are customers no longer", code="STALE")
        if not await leaves_out(session, incident, asked.tenants, now, now):
            raise Conflict(_NOBODY_LESS, code="NOT_LESS")
        return narrowing_intent(vendor, incident, asked.tenants, asked.objectives, customers, told), ()
    if incident.merged_into is None:
        raise Conflict("it was not merged into another", code="NOT_MERGED")
    lowered = await lowered_by_unmerging(session, incident, now)
    if not any(each.takes_two for each in lowered):
        raise Conflict("no P1 or P2 gets less by it: it takes no approval", code="NOT_LESS")
    into = await repository.find_incident(session, incident.merged_into)
    return unmerging_intent(vendor, incident, into, lowered, told), lowered
