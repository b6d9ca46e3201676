"""What people do with a request: approve, deny, withdraw; and what the clock does: let it expire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import (
    granted_by,
    is_withdrawable,
    refuse_state,
    require_decidable,
    require_own_passkey,
    slot_to_deny,
    slot_to_fill,
    state_of,
)
from trust_portal.access.approvals.model import (
    MOST_APPROVERS,
    NOUN,
    Approval,
    ApprovalRequest,
    ApprovalState,
    Approve,
    Approver,
    Deny,
    StepAct,
    Withdraw,
    person_behind,
)
from trust_portal.access.approvals.recording import Overtaken, load, take_step, watch_deadline
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.approvals.statement import decision_statement
from trust_portal.access.gate import Gate
from trust_portal.access.passkeys.model import Signed
from trust_portal.access.passkeys.signing import IntroducedMeanwhile, Signatures
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Broken, Conflict, Denied, InvalidInput
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: A request has so many steps at most, so that nobody can be overtaken more often.
_MOST_STEPS: Final = MOST_APPROVERS + 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Permit:
    """That ``actor`` may decide on what was ``asked``, and who else may."""

    asked: Approval
    decision: Decision
    approvers: tuple[Approver, ...]


class Decisions:
    """Only persons decide, never the one who asked, each once, on exactly what they were shown."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals, signatures: Signatures
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._signatures = signatures

    async def approve(self, command: Approve, actor: Actor) -> Approval:
        """Fill one place. Refused with the codes of ``decision``, with ``RULE_CHANGED``, and with those of
        ``Signatures.check``; with ``PASSKEY_REQUIRED`` where it is not signed, and with
        ``PASSKEY_BY_REQUESTERS_LINK`` where the passkey may be that of the one who asked.
        """
        permit = await self._permit(command, actor)

        def place(approval: Approval, now: datetime) -> int:
            require_decidable(approval, command.digest, person_behind(actor), now)
            self._approvals.require_same_rule(approval)
            return slot_to_fill(approval, permit.approvers, person_behind(actor), command.slot)

        return await self._decided(command, actor, permit, StepAct.APPROVE, place)

    async def deny(self, command: Deny, actor: Actor) -> Approval:
        """End the request: one denial is enough. Refused like an approval; it need not be signed."""
        permit = await self._permit(command, actor)

        def place(approval: Approval, now: datetime) -> int:
            require_decidable(approval, command.digest, person_behind(actor), now)
            return slot_to_deny(approval, permit.approvers, person_behind(actor))

        return await self._decided(command, actor, permit, StepAct.DENY, place)

    async def withdraw(self, command: Withdraw, actor: Actor) -> Approval:
        """Take back what one asked for, as long as it is neither ended nor used."""
        if not actor.is_staff and actor.tenant_id != command.tenant_id:
            # Refused before anything is looked at.
            stranger = Resource(NOUN, command.tenant_id, command.request_id)
            await self._gate.require(actor, Action.APPROVAL_WITHDRAW, stranger)
        asked = await self._read(command.tenant_id, command.request_id)
        decision = await self._gate.require(actor, Action.APPROVAL_WITHDRAW, _resource(asked))

        async def once(session: WriteSession) -> Approval:
            approval = await load(session, command.tenant_id, command.request_id)
            state = state_of(approval, session.clock.now())
            if not state.live:
                raise refuse_state(state)
            if not is_withdrawable(approval, person_behind(actor)):
                raise Conflict("this review is owed; it cannot be taken back", code="REVIEW_IS_OWED")
            return await take_step(
                session,
                self._ledger,
                approval,
                StepAct.WITHDRAW,
                actor,
                policies=decision.policies,
                policy_version=decision.version,
                reason=command.reason,
            )

        return await self._once_not_overtaken(command.tenant_id, once)

    async def expire(self, tenant_id: UUID, request_id: UUID, row_id: UUID | None = None) -> bool:
        """Put on record that the time is over. False where it is not, or where something else ended it.

        ``row_id`` is the outbox row of the job at work.
        """
        resource = Resource(NOUN, tenant_id, request_id)
        decision = await self._gate.require(SYSTEM, Action.APPROVAL_EXPIRE, resource)

        async def once(session: WriteSession) -> bool:
            if not await session.complete(row_id):
                return False
            approval = await load(session, tenant_id, request_id)
            state = state_of(approval, session.clock.now())
            if state.live:
                # An approval in the last minute has its own time, and a clock may run behind.
                await watch_deadline(session, approval)
            if state is not ApprovalState.EXPIRED or approval.end is not None:
                return False
            await take_step(
                session,
                self._ledger,
                approval,
                StepAct.EXPIRE,
                SYSTEM,
                policies=decision.policies,
                policy_version=decision.version,
            )
            return True

        return await self._once_not_overtaken(tenant_id, once)

    async def _permit(self, command: Approve | Deny, actor: Actor) -> _Permit:
        """Asked twice: whether the actor may at all, before anything is looked at; then on this request.

        The second denial is for the one who asked, and is on record like every denial.
        """
        resource = Resource(NOUN, command.tenant_id, command.request_id)
        await self._gate.require(actor, Action.APPROVAL_DECIDE, resource)
        if actor.kind is not ActorKind.PERSON:
            raise Denied("only a person decides", code="PERSONS_ONLY")
        asked = await self._read(command.tenant_id, command.request_id)
        try:
            decision = await self._gate.require(actor, Action.APPROVAL_DECIDE, _resource(asked))
        except Denied as denied:
            if asked.request.requester_id != person_behind(actor):
                raise
            raise Denied(
                "nobody decides on what they asked for themselves",
                policies=denied.policies,
                code="OWN_REQUEST",
            ) from denied
        people = await self._approvals.holders(asked.request.roles)
        return _Permit(asked, decision, self._approvals.allowed(people, command.tenant_id))

    async def _decided(
        self,
        command: Approve | Deny,
        actor: Actor,
        permit: _Permit,
        act: StepAct,
        place: Callable[[Approval, datetime], int],
    ) -> Approval:
        """``place`` gives the slot that is decided from, or refuses; it is asked once more under way."""
        slot = place(permit.asked, self._storage.clock.now())
        signed = await self._signed(command, actor, permit.asked.request, act, slot)
        if signed is not None and act is StepAct.APPROVE:
            require_own_passkey(permit.asked, signed.passkey.brought_by)

        async def once(session: WriteSession) -> Approval:
            approval = await load(session, command.tenant_id, command.request_id)
            slot_now = place(approval, session.clock.now())
            if signed is not None and slot_now != slot:
                raise Conflict(
                    "another approval took the place you signed for; look again, and sign anew",
                    code="SLOT_TAKEN",
                    field="slot",
                )
            signature = None if signed is None else await self._signatures.record(session, signed, actor)
            role = approval.request.roles[slot_now - 1]
            return await take_step(
                session,
                self._ledger,
                approval,
                act,
                actor,
                policies=(*permit.decision.policies, approval.request.rule_id),
                policy_version=permit.decision.version,
                reason=command.reason,
                slot=slot_now,
                role=role,
                granted_by=granted_by(permit.approvers, person_behind(actor), role),
                signature=signature,
            )

        return await self._once_not_overtaken(command.tenant_id, once)

    async def _signed(
        self, command: Approve | Deny, actor: Actor, request: ApprovalRequest, act: StepAct, slot: int
    ) -> Signed | None:
        if command.assertion is None:
            if act is StepAct.APPROVE:
                raise InvalidInput(
                    "an approval is signed with a passkey: enrol one on your account's page, and sign",
                    field="assertion",
                    code="PASSKEY_REQUIRED",
                )
            return None
        statement = decision_statement(request, act, slot, person_behind(actor), actor.name, command.reason)
        return await self._signatures.check(actor, statement, command.assertion)

    async def _read(self, tenant_id: UUID, request_id: UUID) -> Approval:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            return await load(session, tenant_id, request_id)

    async def _once_not_overtaken(self, tenant_id: UUID, once: Callable[[WriteSession], Awaitable[T]]) -> T:
        """Of two steps at the same moment one commits; the other looks again, and then knows why not."""
        for _ in range(_MOST_STEPS + 1):
            try:
                async with self._storage.write(TenantScope(tenant_id)) as session:
                    return await once(session)
            except (Overtaken, IntroducedMeanwhile):
                continue
        raise Broken("a request has more steps than places", code="APPROVAL_CHAIN")


def _resource(asked: Approval) -> Resource:
    request = asked.request
    return Resource(NOUN, request.tenant_id, request.id, request.requester_id)
