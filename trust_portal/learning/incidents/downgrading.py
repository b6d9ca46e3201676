"""A P1 or P2 becomes less: asked for by one, approved by two others, and only then so."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import ApprovalRefused
from trust_portal.access.approvals.model import ApprovalKind, AskApproval
from trust_portal.access.approvals.recording import first_live
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import vendor_itself
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import ChangeSeverity
from trust_portal.learning.incidents.downgrades_repository import (
    AskedDowngrade,
    add_asked,
    add_downgrade,
    asked_of,
    find_asked,
)
from trust_portal.learning.incidents.facts_repository import facts_of
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.lowering_intents import downgrade_intent
from trust_portal.learning.incidents.model import NOUN, Downgrade, Incident
from trust_portal.learning.incidents.receipts import downgraded_act
from trust_portal.learning.incidents.service import Incidents
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_KIND: Final = ApprovalKind.SEVERITY_DOWNGRADE
_VENDOR: Final = TenantScope(VENDOR_ID)


class Downgrades:
    """``ask`` tells the lower severity too, so that the timeline has the claim and whose it is."""

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

    async def ask(self, command: ChangeSeverity, actor: Actor) -> UUID:
        """The id of the approval that is asked for.

        Raises ``Conflict``: NOT_LESS for what needs none (``Incidents.tell``), ALREADY_ASKED,
        NO_APPROVAL_RULE, UNFULFILLABLE.
        """
        resource = Resource.of_house(NOUN, command.incident_id)
        decision = await self._gate.require(actor, Action.INCIDENT_UPDATE, resource)
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, command.incident_id)
            before = incident.severity
            if not (before.is_major and before.outranks(command.severity)):
                raise Conflict(
                    f"from {before.value} to {command.severity.value} takes no approval",
                    code="NOT_LESS",
                    field="severity",
                )
            if await first_live(
                session, VENDOR_ID, await asked_of(session, incident.id), session.clock.now()
            ):
                raise Conflict(
                    "a lower severity of this incident waits for approval already", code="ALREADY_ASKED"
                )
            incident = await self._incidents.tell_within(session, command, incident, actor, decision)
            intent = downgrade_intent(
                await vendor_itself(session),
                incident,
                before,
                command.severity,
                await facts_of(session, [incident.key]),
                await repository.merged_into(session, incident.id),
            )
            ask = AskApproval(VENDOR_ID, intent, command.text, f"{NOUN}/{incident.id}")
            request = await self._approvals.open(session, ask, actor, electorate)
            await add_asked(session, AskedDowngrade(request.id, incident.id, before, command.severity))
        return request.id

    async def waiting(self, actor: Actor, incident_id: UUID) -> UUID | None:
        """The approval that the incident's downgrade waits for, if one does."""
        await self._gate.require(actor, Action.ALL_INCIDENTS_READ, Resource.of_house(NOUN, incident_id))
        async with self._storage.read(_VENDOR) as session:
            asked = await asked_of(session, incident_id)
            return await first_live(session, VENDOR_ID, asked, self._storage.clock.now())

    async def approval_settled(self, request_id: UUID) -> Incident | None:
        """Make the incident less, once, where it was approved. Again it changes nothing.

        What no longer is what the approvers saw is void: nothing is less then.
        """
        async with self._storage.read(_VENDOR) as session:
            asked = await find_asked(session, request_id)
        if asked is None:
            raise NotFound(NOUN)
        return await self._approvals.settle(
            VENDOR_ID, request_id, lambda: self._downgrade(asked), "It cannot be made less"
        )

    async def _downgrade(self, asked: AskedDowngrade) -> Incident:
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            incident = await repository.find_incident(session, asked.incident_id)
            if incident.severity is not asked.before:
                raise ApprovalRefused(f"it is a {incident.severity.value} by now", code="STALE")
            told = await facts_of(session, [incident.key])
            merged = await repository.merged_into(session, incident.id)
            intent = downgrade_intent(
                await vendor_itself(session), incident, asked.before, asked.severity, told, merged
            )
            used = await self._approvals.use(session, asked.request_id, intent, SYSTEM, electorate)
            now, receipt_id = session.clock.now(), new_id()
            downgrade = Downgrade(
                id=asked.request_id,
                incident_id=incident.id,
                before=asked.before,
                severity=asked.severity,
                # Clocks of producers run ahead a little; it holds after all that the approvers saw.
                holds_from=max(now, incident.severity_at),
                used_at=used.approval.steps[-1].at,
                receipt_id=receipt_id,
            )
            request = used.approval.request
            act = downgraded_act(
                incident,
                downgrade,
                SYSTEM,
                now,
                used.inputs,
                used.result,
                ((request.rule_id,), request.policy_version),
                request.reason,
            )
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await add_downgrade(session, downgrade, used, receipt_id)
            return await self._taken_in(session, incident)

    async def _taken_in(self, session: WriteSession, incident: Incident) -> Incident:
        register = await self._following.take_in(session, [incident.key], SYSTEM)
        [after] = [each for each in register.incidents if each.id == incident.id]
        return after
