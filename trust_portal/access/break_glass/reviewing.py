"""The review that every emergency access owes: asked for when it ends, and again until it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.approvals.decision import ApprovalRefused, ApprovalSpent, state_of
from trust_portal.access.approvals.electorate import Electorate
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalState,
    AskApproval,
    Intent,
    Step,
)
from trust_portal.access.approvals.receipts import decision_json, inputs_of
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.break_glass import receipts, repository
from trust_portal.access.break_glass.intent import review_intent
from trust_portal.access.break_glass.model import (
    NOUN,
    Emergency,
    GlassAct,
    GlassState,
    GlassStep,
    Grant,
    Outcome,
)
from trust_portal.access.break_glass.telling import tell_closed, tell_overdue, tell_reviewed
from trust_portal.access.policy import Decision
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

_TIME_OVER: Final = "Its time was over."
#: How soon it is tried again where nobody could review it.
_TRY_AGAIN: Final = timedelta(hours=1)
_KIND: Final = ApprovalKind.BREAK_GLASS_REVIEW


class GlassReviews:
    """Closing, asking for the review, and taking down what came of it."""

    def __init__(self, storage: Storage, ledger: Ledger, approvals: Approvals) -> None:
        self._storage = storage
        self._ledger = ledger
        self._approvals = approvals
        self._rounds = Rounds(storage)

    async def close(self, grant: Grant, actor: Actor, reason: str, decision: Decision | None) -> Emergency:
        """End it now and ask for its review, in one transaction. ``Conflict`` (``NOT_OPEN``) if it is over."""
        reviewers = await self._reviewers(grant.tenant_id)
        async with self._storage.write(TenantScope(grant.tenant_id)) as session:
            emergency = await _load(session, grant.tenant_id, grant.id)
            if emergency.step(GlassAct.CLOSE) is not None or (
                decision is not None and emergency.state(session.clock.now()) is not GlassState.OPEN
            ):
                raise _not_open()
            tenant = await _tenant(session, grant.tenant_id)
            closed = await self._closed(session, emergency, tenant, actor, reason, decision)
            return await self._ask(session, closed, tenant, reviewers)

    async def attend(self, tenant_id: UUID, grant_id: UUID) -> None:
        """What time asks for: close what is over, ask for a review that nobody was asked for. May be repeated."""
        async with self._storage.read(TenantScope(tenant_id)) as reading:
            emergency = await _load(reading, tenant_id, grant_id)
        now = self._storage.clock.now()
        if emergency.state(now) is GlassState.OPEN:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                await _attend_later(
                    session, emergency.grant, emergency.grant.until - now + timedelta(seconds=1)
                )
        elif emergency.step(GlassAct.CLOSE) is None:
            await self.close(emergency.grant, SYSTEM, _TIME_OVER, None)
        elif emergency.step(GlassAct.ASK) is None:
            await self._ask_again(emergency, None)

    async def follow_up(self) -> None:
        """Ask again for what a job should have attended to and did not. Once an hour is enough."""
        async with self._storage.read(StaffScope()) as reading:
            owed = await repository.owed(reading, self._storage.clock.now())

        async def ask(tenant_id: UUID) -> None:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                for grant in owed:
                    if grant.tenant_id == tenant_id:
                        await _attend_later(session, grant, timedelta(0))

        concerned = tuple(dict.fromkeys(grant.tenant_id for grant in owed))
        await self._rounds.settle(Round.FOLLOW_UP_REVIEWS, concerned)
        await self._rounds.one_by_one(Round.FOLLOW_UP_REVIEWS, concerned, ask)

    async def settled(self, tenant_id: UUID, request_id: UUID) -> None:
        """Reviewers have decided, or time has: then it is asked for again, and everybody hears of it."""
        async with self._storage.read(TenantScope(tenant_id)) as reading:
            grant_id = await repository.grant_of_review(reading, tenant_id, request_id)
            if grant_id is None:
                raise NotFound(NOUN)
            emergency = await _load(reading, tenant_id, grant_id)
            approval = await load(reading, tenant_id, request_id)
        asked = emergency.step(GlassAct.ASK)
        if emergency.step(GlassAct.REVIEW) is not None or asked is None or asked.approval_id != request_id:
            return
        state = state_of(approval, self._storage.clock.now())
        if state is ApprovalState.APPROVED and await self._accept(emergency, approval):
            return
        if state is ApprovalState.DENIED:
            await self._object(emergency, approval)
        elif state is not ApprovalState.PENDING:
            await self._ask_again(emergency, approval)

    async def _accept(self, emergency: Emergency, approval: Approval) -> bool:
        """False where the approval no longer holds for what is on record: then it is asked for again."""
        tenant_id = emergency.grant.tenant_id
        reviewers = await self._reviewers(tenant_id)
        try:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                tenant = await _tenant(session, tenant_id)
                intent = await self._intent(session, emergency, tenant)
                used = await self._approvals.use(session, approval.request.id, intent, SYSTEM, reviewers)
                names = " and ".join(each.person_name for each in used.approval.approvals)
                await self._reviewed(
                    session, emergency, tenant, used.approval, Outcome.ACCEPTED,
                    f"{names} reviewed it.", used.result, used.inputs,
                )  # fmt: skip
        except ApprovalSpent:
            raise
        except ApprovalRefused:
            return False
        return True

    async def _object(self, emergency: Emergency, approval: Approval) -> None:
        denial = approval.end
        assert denial is not None, "what was denied has an end"  # noqa: S101 - narrows the type
        tenant_id = emergency.grant.tenant_id
        steps = (approval.request.receipt_id, *(each.receipt_id for each in approval.steps))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            digests = await receipt_digests(session, tenant_id, *steps)
            result: dict[str, Json] = {
                "approval": str(approval.request.id),
                **decision_json(approval),
                "objected_by": str(denial.person_id),
            }
            await self._reviewed(
                session, emergency, await _tenant(session, tenant_id), approval, Outcome.OBJECTED,
                f"{denial.person_name} objected: {denial.reason}"[:2000], result,
                inputs_of({id_: digests[id_] for id_ in steps}),
            )  # fmt: skip

    async def _reviewed(
        self,
        session: WriteSession,
        emergency: Emergency,
        tenant: Tenant,
        approval: Approval,
        outcome: Outcome,
        words: str,
        result: Mapping[str, Json],
        inputs: tuple[Input, ...],
    ) -> None:
        step = _next(
            emergency, GlassAct.REVIEW, session, SYSTEM, words,
            approval_id=approval.request.id, outcome=outcome,
        )  # fmt: skip
        rule, version = approval.request.rule_id, approval.request.policy_version
        act = receipts.reviewed(emergency, step, SYSTEM, result, inputs, (rule,), version)
        await self._ledger.record(session, act, receipt_id=step.receipt_id)
        await _add(session, emergency, step, approval.end)
        await tell_reviewed(session, emergency, step, tenant)

    async def _closed(
        self,
        session: WriteSession,
        emergency: Emergency,
        tenant: Tenant,
        actor: Actor,
        reason: str,
        decision: Decision | None,
    ) -> Emergency:
        grant = emergency.grant
        step = _next(emergency, GlassAct.CLOSE, session, actor, reason)
        after = replace(emergency, steps=(step,))
        record = await repository.record_of(session, after)
        digests = await receipt_digests(session, grant.tenant_id, grant.receipt_id)
        act = receipts.closed(
            after,
            step,
            record,
            actor,
            {f"receipt/{grant.receipt_id}": digests[grant.receipt_id]},
            () if decision is None else decision.policies,
            None if decision is None else decision.version,
        )
        await self._ledger.record(session, act, receipt_id=step.receipt_id)
        await _add(session, emergency, step)
        await tell_closed(session, after, step, record, tenant)
        return after

    async def _ask_again(self, emergency: Emergency, last: Approval | None) -> None:
        """``last`` is the request that came to nothing; none where nobody could be asked so far."""
        grant = emergency.grant
        reviewers = await self._reviewers(grant.tenant_id)
        async with self._storage.write(TenantScope(grant.tenant_id)) as session:
            emergency = await _load(session, grant.tenant_id, grant.id)
            asked = emergency.step(GlassAct.ASK)
            if (None if asked is None else asked.approval_id) != (None if last is None else last.request.id):
                return
            tenant = await _tenant(session, grant.tenant_id)
            if last is not None:
                await self._approvals.void(session, last.request.id, "It is asked for anew.", SYSTEM)
                why = "Nobody decided in time, or what they were shown has changed. It is asked for again."
                await tell_overdue(session, emergency, tenant, why, f"overdue/{emergency.asked}")
            await self._ask(session, emergency, tenant, reviewers)

    async def _ask(
        self, session: WriteSession, emergency: Emergency, tenant: Tenant, reviewers: Electorate
    ) -> Emergency:
        grant = emergency.grant
        intent = await self._intent(session, emergency, tenant)
        ask = AskApproval(tenant.id, intent, grant.reason, f"break-glass/{grant.id}", concerns=grant.holder)
        try:
            request = await self._approvals.open(session, ask, SYSTEM, reviewers)
        except Conflict as conflict:
            # It ends all the same. Somebody has to be made an approver; until then it stays in sight.
            now = session.clock.now()
            await tell_overdue(
                session,
                emergency,
                tenant,
                f"Nobody can review it: {conflict.message}.",
                f"nobody/{now:%Y-%m-%d}",
            )
            await _attend_later(session, emergency.grant, _TRY_AGAIN)
            return emergency
        step = replace(
            _next(emergency, GlassAct.ASK, session, SYSTEM, "A review is owed.", approval_id=request.id),
            receipt_id=request.receipt_id,
        )
        await _add(session, emergency, step)
        return replace(emergency, steps=(*emergency.steps, step))

    async def _reviewers(self, tenant_id: UUID) -> Electorate:
        """Nobody where no rule says who: that must not keep access from ending."""
        try:
            return await self._approvals.who_could(_KIND, tenant_id)
        except Conflict:
            return self._approvals.nobody(_KIND, tenant_id)

    async def _intent(self, session: WriteSession, emergency: Emergency, tenant: Tenant) -> Intent:
        closed = emergency.step(GlassAct.CLOSE)
        assert closed is not None, "what is reviewed is closed"  # noqa: S101 - narrows the type
        ids = {"opened": emergency.grant.receipt_id, "closed": closed.receipt_id}
        digests = await receipt_digests(session, tenant.id, *ids.values())
        record = await repository.record_of(session, emergency)
        return review_intent(emergency, record, tenant, {name: digests[id_] for name, id_ in ids.items()})


async def _load(session: ReadSession, tenant_id: UUID, grant_id: UUID) -> Emergency:
    found = await repository.find_emergency(session, tenant_id, grant_id)
    if found is None:
        raise NotFound(NOUN)
    return found


async def _tenant(session: WriteSession, tenant_id: UUID) -> Tenant:
    tenant = await find_tenant(session, tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    return tenant


async def _add(
    session: WriteSession, emergency: Emergency, step: GlassStep, decided: Step | None = None
) -> None:
    if not await repository.add_step(session, emergency, step, decided):
        raise _not_open()


async def _attend_later(session: WriteSession, grant: Grant, after: timedelta) -> None:
    """One is enough in an hour, so that whoever tries again and whoever follows up do not add up."""
    due_at = session.clock.now() + after
    await session.enqueue(
        Job.ATTEND_BREAK_GLASS,
        {"tenant": str(grant.tenant_id), "grant": str(grant.id)},
        dedupe_key=f"{Job.ATTEND_BREAK_GLASS}/{grant.id}/{due_at:%Y-%m-%dT%H}",
        due_at=due_at,
    )


def _next(
    emergency: Emergency,
    act: GlassAct,
    session: WriteSession,
    actor: Actor,
    reason: str,
    approval_id: UUID | None = None,
    outcome: Outcome | None = None,
) -> GlassStep:
    return GlassStep(
        ordinal=len(emergency.steps) + 1,
        act=act,
        at=session.clock.now(),
        actor_id=actor.id,
        actor_name=actor.name,
        reason=reason,
        receipt_id=new_id(),
        approval_id=approval_id,
        outcome=outcome,
    )


def _not_open() -> Conflict:
    return Conflict("this emergency access is over", code="NOT_OPEN")
