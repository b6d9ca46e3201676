"""One more step of a request, with its receipt, in the transaction at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.approvals import repository
from trust_portal.access.approvals.decision import deadline, state_of
from trust_portal.access.approvals.model import NOUN, Approval, Step, StepAct, person_behind
from trust_portal.access.approvals.receipts import step_act
from trust_portal.access.approvals.telling import tell_step
from trust_portal.access.passkeys.model import Signature
from trust_portal.errors import NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: A deadline counts as missed once it is over, not at it.
_AFTER: Final = timedelta(seconds=1)


class Overtaken(Exception):
    """Another step took this one's place. The transaction must not commit; look again and decide anew."""


async def load(session: ReadSession, tenant_id: UUID, request_id: UUID) -> Approval:
    """Raises ``NotFound``."""
    approval = await repository.find_approval(session, tenant_id, request_id)
    if approval is None:
        raise NotFound(NOUN)
    return approval


async def first_live(
    session: ReadSession, tenant_id: UUID, request_ids: Iterable[UUID], at: datetime
) -> UUID | None:
    """The first of these requests that still waits at ``at``, or was approved and is not used yet."""
    for request_id in request_ids:
        if state_of(await load(session, tenant_id, request_id), at).live:
            return request_id
    return None


async def take_step(
    session: WriteSession,
    ledger: Ledger,
    approval: Approval,
    act: StepAct,
    actor: Actor,
    *,
    policies: tuple[str, ...],
    policy_version: str,
    reason: str = "",
    slot: int | None = None,
    role: Role | None = None,
    granted_by: UUID | None = None,
    signature: Signature | None = None,
) -> Approval:
    """The request as it stands then. Raises ``Overtaken``.

    What ends the waiting is told to whoever asked (``APPROVAL_SETTLED``), in the same commit.
    """
    request = approval.request
    step = Step(
        ordinal=len(approval.steps) + 1,
        act=act,
        person_id=person_behind(actor),
        person_name=actor.name,
        at=session.clock.now(),
        reason=reason,
        receipt_id=new_id(),
        slot=slot,
        role=role,
        granted_by=granted_by,
        signature_id=None if signature is None else signature.id,
    )
    earlier = (request.receipt_id, *(each.receipt_id for each in approval.steps))
    digests = await receipt_digests(session, request.tenant_id, *earlier)
    after = replace(approval, steps=(*approval.steps, step))
    await ledger.record(
        session,
        step_act(
            after,
            step,
            actor,
            rests_on={id_: digests[id_] for id_ in earlier},
            policies=policies,
            policy_version=policy_version,
            signature=signature,
        ),
        receipt_id=step.receipt_id,
    )
    if not await repository.add_step(session, approval, step):
        raise Overtaken
    await tell_step(session, after, step)
    if act is StepAct.APPROVE and not after.open_slots:
        await watch_deadline(session, after)
    if act in {StepAct.DENY, StepAct.EXPIRE, StepAct.WITHDRAW} or (
        act is StepAct.APPROVE and not after.open_slots
    ):
        await session.enqueue(Job.APPROVAL_SETTLED, {**_ids(approval), "kind": request.kind.value})
    return after


async def watch_deadline(session: WriteSession, approval: Approval) -> None:
    """Have the worker look when the time for what is due next is over."""
    due_at = deadline(approval) + _AFTER
    key = f"{Job.EXPIRE_APPROVAL.value}:{approval.request.id}:{len(approval.steps)}"
    await session.enqueue(Job.EXPIRE_APPROVAL, _ids(approval), dedupe_key=key, due_at=due_at)


def _ids(approval: Approval) -> dict[str, str]:
    return {"tenant": str(approval.request.tenant_id), "request": str(approval.request.id)}
