"""Reviewing roles: listed by when they are due, confirmed or revoked one by one, each with its receipt."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import revoke_grant
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.receipts import leave_receipt
from trust_portal.access.sessions.repository import demand_rotation
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.compliance.reviews.model import NOUN, HeldRole, RecordReview, ReviewAct
from trust_portal.trust.compliance.reviews.repository import add_review, held_roles, hold_role


class AccessReviews:
    """``within`` is how long a grant or a review holds (the control ``access-review``)."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog, within: timedelta
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._within = within

    async def held(self, actor: Actor, tenant_id: UUID) -> tuple[HeldRole, ...]:
        """Every role in force of a tenant (or at the vendor); whose review is due first, first."""
        await self._gate.require(actor, Action.PERSON_READ, Resource("people", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await held_roles(session, tenant_id, self._storage.clock.now(), self._within)
        await self._access_log.looked(actor, tenant_id, NOUN)
        return found

    async def record(self, command: RecordReview, actor: Actor) -> None:
        """``NotFound`` for a role that is not in force; ``Conflict`` (OWN_ROLE) for one's own."""
        resource = Resource(NOUN, command.tenant_id, command.grant_id)
        decision = await self._gate.require(actor, Action.ACCESS_REVIEW, resource)
        reviewer = person_behind(actor)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            held = await hold_role(session, command.tenant_id, command.grant_id, self._within)
            if held is None:
                raise NotFound("role in force")
            if held.person_id == reviewer:
                raise Conflict("ask somebody else: nobody reviews their own role", code="OWN_ROLE")
            now, receipt_id = session.clock.now(), new_id()
            if command.act is ReviewAct.REVOKE:
                await revoke_grant(session, held.tenant_id, held.person_id, held.role, actor)
                await demand_rotation(session, held.tenant_id, held.person_id)
                await leave_receipt(
                    self._ledger,
                    session,
                    ReceiptKind.ROLE_REVOKED,
                    tenant_id=held.tenant_id,
                    actor=actor,
                    decision=decision,
                    subject=f"person/{held.person_id}",
                    result={"person": str(held.person_id), "role": held.role.value},
                )
            act = reviewed_act(command, held, actor, decision, now, now + self._within)
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await add_review(
                session, new_id(), command, held, by_id=reviewer, by_name=actor.name, receipt_id=receipt_id
            )


def reviewed_act(
    command: RecordReview, held: HeldRole, actor: Actor, decision: Decision, at: datetime, due_at: datetime
) -> Act:
    """What was decided about which grant; of one that stays, until when it is to be looked at again."""
    confirmed = command.act is ReviewAct.CONFIRM
    result: dict[str, Json] = {
        "grant": str(held.grant_id),
        "person": str(held.person_id),
        "role": held.role.value,
        "granted_at": rfc3339(held.granted_at),
        "act": command.act.value,
        "due_at": rfc3339(due_at) if confirmed else None,
    }
    return Act(
        kind=ReceiptKind.ACCESS_REVIEW_CONFIRMED if confirmed else ReceiptKind.ACCESS_REVIEW_REVOKED,
        tenant_id=held.tenant_id,
        actor=actor,
        at=at,
        subjects=(Subject(f"grant/{held.grant_id}/{rfc3339(at)}", digest(result)),),
        predicate=result,
        policies=decision.policies,
        policy_version=decision.version,
        rationale=command.reason,
    )
