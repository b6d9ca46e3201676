"""Sending what was permitted until the product confirms it, and the same for taking it back.

Each attempt is committed before it is made; whatever dies in between, the next attempt is the same
call with the same key, which the product applies once. Each goes through the door of the kill
switch, which is looked at behind the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from trust_portal.access.action import Action
from trust_portal.access.automation import UNHINDERED, Reversal
from trust_portal.access.policy import Decision, Resource
from trust_portal.cost.remediation.calls import Answer, AnswerState, ControlCall
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.model import Run, RunState, StepKind
from trust_portal.cost.remediation.permitting import Permits
from trust_portal.cost.remediation.recording import record_step
from trust_portal.cost.remediation.reversing import PATIENCE, Reversals
from trust_portal.cost.remediation.switches_model import SwitchRevision
from trust_portal.errors import Broken
from trust_portal.evidence.act import Input
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json, sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.tenancy import TenantScope

#: Between two attempts: doubling from a second, up to this.
_LONGEST_WAIT: Final = timedelta(seconds=30)
#: How long after a call has expired it is still asked what became of it.
_AFTERWARDS: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What the product said to one attempt, and the run with that attempt in it."""

    run: Run
    call: ControlCall
    answer: Answer
    attempt: int


class Executor:
    """Does one attempt at a time; the clockwork comes again."""

    def __init__(self, equipment: Equipment, permits: Permits, reversals: Reversals) -> None:
        self._with = equipment
        self._permits = permits
        self._reversals = reversals

    def is_due(self, run: Run) -> bool:
        """Whether the next attempt may be made now."""
        waited = self._with.storage.clock.now() - run.last.at
        if run.last.kind is StepKind.SENT:
            # Whoever made it has not come back: it died, or it is still waiting for the answer.
            return waited >= timedelta(seconds=15)
        if run.last.kind is StepKind.UNCONFIRMED:
            attempts = int(run.last.detail["attempt"])
            return waited >= min(timedelta(seconds=2 ** min(attempts - 1, 10)), _LONGEST_WAIT)
        return True

    async def apply(self, run: Run) -> Run:
        """One attempt at doing it, and what follows from the answer."""
        call = call_of(run)
        if run.sent(call.key) == 0 and self._with.storage.clock.now() >= call.expires_at:
            why = {"why": "expired before it was sent", "changed": "no", "key": call.key}
            return await self._step(run, StepKind.FAILED, RunState.FAILED, why)
        if run.sent(call.key) == 0 and (refusal := await self._permits.refusal(run)) is not None:
            detail: dict[str, Json] = {"why": "policy", "rules": list(refusal.policies)}
            return await self._step(run, StepKind.DENIED, RunState.DENIED, detail, decision=refusal)
        async with self._with.switches.door(run.tenant_id, run.plan.playbook_id) as stopping:
            if not stopping:
                sent = await self._send(run, call)
        if stopping:
            return await self._stopped(run, call, stopping)
        return await self._applied(sent)

    async def reverse(self, run: Run) -> Run:
        """One attempt at taking it back. A kill switch holds what does so by itself, and no person."""
        call, by_hand = reversal_of(run), _is_by_hand(run)
        if self._with.storage.clock.now() >= call.expires_at and (
            run.sent(call.key) == 0 or run.last.kind is StepKind.HELD
        ):
            return await self._begun_anew(run)
        async with self._with.switches.door(run.tenant_id, run.plan.playbook_id) as stopping:
            if by_hand or not stopping:
                sent = await self._send(run, call)
        if stopping and not by_hand:
            return await self._held(run, stopping)
        return await self._reversed(sent)

    async def _send(self, run: Run, call: ControlCall) -> _Sent:
        attempt = run.sent(call.key) + 1
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            run = await record_step(
                session, self._with.ledger, run, StepKind.SENT, run.state, SYSTEM,
                {"key": call.key, "action": call.action, "attempt": str(attempt)},
            )  # fmt: skip
        return _Sent(run, call, await self._with.client.send(call), attempt)

    async def _applied(self, sent: _Sent) -> Run:
        run, answer = sent.run, sent.answer
        if answer.state is AnswerState.APPLIED:
            return await self._step(run, StepKind.EXECUTED, RunState.EXECUTED, answered(sent), _digest(sent))
        if answer.state is AnswerState.REFUSED:
            why = {"why": "refused", "changed": "no", **answered(sent)}
            return await self._step(run, StepKind.FAILED, RunState.FAILED, why, _digest(sent))
        return await self._unconfirmed(sent)

    async def _reversed(self, sent: _Sent) -> Run:
        run, answer = sent.run, sent.answer
        if answer.state is AnswerState.APPLIED:
            started = _started(run)
            detail = {"why": started["why"], **answered(sent)}
            return await self._step(run, StepKind.ROLLED_BACK, RunState.ROLLED_BACK, detail, _digest(sent))
        if answer.state is AnswerState.REFUSED:
            stands = "unknown" if run.step(StepKind.EXECUTED) is None else "yes"
            why = {"why": "rollback refused", "changed": stands, **answered(sent)}
            return await self._step(run, StepKind.FAILED, RunState.FAILED, why, _digest(sent))
        return await self._unconfirmed(sent)

    async def _unconfirmed(self, sent: _Sent) -> Run:
        """Sent again with the same key until the call has expired and still nothing is known.

        Then the product may have done it, and is told to take it back: that it does, or finds nothing
        to take back, and refuses the key from then on. Only where that is not confirmed either it stays unknown.
        """
        if self._with.storage.clock.now() < sent.call.expires_at + _AFTERWARDS:
            return await self._step(
                sent.run,
                StepKind.UNCONFIRMED,
                sent.run.state,
                answered(sent) | {"attempt": str(sent.attempt)},
            )
        if sent.call.reverses is None:
            return await self._reversals.by_itself(sent.run, "not confirmed", _unknown(sent.run, sent.call))
        why = {"why": "rollback not confirmed", "changed": "unknown", **answered(sent)}
        return await self._step(sent.run, StepKind.FAILED, RunState.FAILED, why)

    async def _stopped(self, run: Run, call: ControlCall, stopping: tuple[SwitchRevision, ...]) -> Run:
        """The switch was pulled after it was permitted: denied if nothing was sent.

        Else nobody knows whether it was done: it is to be taken back, which the switch holds as long as it is on.
        """
        decision = await self._decide(run, Action.PLAYBOOK_EXECUTE, stopping)
        detail: dict[str, Json] = {
            "why": "kill switch",
            "rules": list(decision.policies),
            "switches": [str(each.receipt_id) for each in stopping],
        }
        if run.sent(call.key) == 0:
            return await self._step(run, StepKind.DENIED, RunState.DENIED, detail, decision=decision)
        return await self._reversals.by_itself(run, "kill switch", detail | _unknown(run, call))

    async def _held(self, run: Run, stopping: tuple[SwitchRevision, ...]) -> Run:
        """Said once; when the switch is let go, it goes on."""
        if run.last.kind is StepKind.HELD:
            return run
        decision = await self._decide(run, Action.PLAYBOOK_REVERSE, stopping)
        detail: dict[str, Json] = {
            "why": "kill switch",
            "rules": list(decision.policies),
            "switches": [str(each.receipt_id) for each in stopping],
        }
        return await self._step(run, StepKind.HELD, run.state, detail)

    async def _begun_anew(self, run: Run) -> Run:
        """What was held, or lay, for longer than its call was good for is taken back by a new call."""
        started = run.step(StepKind.ROLLBACK_STARTED)
        assert started is not None, "what is taken back was begun"  # noqa: S101 - narrows the type
        now = self._with.storage.clock.now()
        detail = {**started.detail, "key": run.next_reverse_key, "expires_at": rfc3339(now + PATIENCE)}
        return await self._step(run, StepKind.ROLLBACK_STARTED, RunState.ROLLING_BACK, detail)

    async def _decide(self, run: Run, action: Action, stopping: tuple[SwitchRevision, ...]) -> Decision:
        """The rule that holds it back, by name; the denial is on record with it."""
        stopped = tuple(sorted({each.reach.value for each in stopping}))
        reversing = action is Action.PLAYBOOK_REVERSE
        context = Reversal(stopped).context if reversing else replace(UNHINDERED, stopped=stopped).context
        resource = Resource("playbook run", run.tenant_id, str(run.id))
        decision = await self._with.gate.ask(SYSTEM, action, resource, context)
        if decision.allowed:
            raise Broken("a switch that is on has no rule that heeds it", code="BAD_POLICY")
        return decision

    async def _step(
        self,
        run: Run,
        kind: StepKind,
        state: RunState,
        detail: Mapping[str, Any],
        inputs: tuple[Input, ...] = (),
        *,
        decision: Decision | None = None,
    ) -> Run:
        async with self._with.storage.write(TenantScope(run.tenant_id)) as session:
            return await record_step(
                session, self._with.ledger, run, kind, state, SYSTEM, detail, decision=decision, inputs=inputs
            )


def call_of(run: Run) -> ControlCall:
    """The call that does it: the same whenever it is made."""
    permitted = run.step(StepKind.APPROVED)
    if permitted is None:
        raise Broken("a run that was not permitted makes no call")
    return ControlCall(
        action=run.plan.playbook.action.value,
        tenant=run.plan.tenant,
        target=run.plan.target,
        parameters=run.plan.parameters,
        key=run.apply_key,
        expires_at=datetime.fromisoformat(permitted.detail["expires_at"]),
        receipt=permitted.receipt_id,
    )


def reversal_of(run: Run) -> ControlCall:
    """The call that takes it back: to what the product said was there before, as far as it said so."""
    reverse, started = run.plan.playbook.action.reverse, _started(run)
    executed, permitted = run.step(StepKind.EXECUTED), run.step(StepKind.APPROVED)
    if reverse is None or permitted is None:
        raise Broken("a run that did nothing takes nothing back")
    return ControlCall(
        action=reverse,
        tenant=run.plan.tenant,
        target=run.plan.target,
        parameters={} if executed is None else executed.detail["previous"],
        key=started["key"],
        expires_at=datetime.fromisoformat(started["expires_at"]),
        receipt=permitted.receipt_id if executed is None else executed.receipt_id,
        reverses=run.apply_key,
    )


def answered(sent: _Sent) -> dict[str, Json]:
    """An answer as steps and receipts state it."""
    answer = sent.answer
    found: dict[str, Json] = {
        "key": sent.call.key,
        "call": sha256_hex(sent.call.body),
        "attempts": str(sent.attempt),
        "answer": answer.state.value,
        "effect": dict(answer.effect),
        "previous": dict(answer.previous),
        "reason": answer.reason,
    }
    if answer.more:
        found["more"] = dict(answer.more)
    return found


def _unknown(run: Run, call: ControlCall) -> dict[str, Json]:
    """That it was sent and nobody knows what became of it."""
    return {"changed": "unknown", "attempts": str(run.sent(call.key))}


def _digest(sent: _Sent) -> tuple[Input, ...]:
    return (Input(f"control-calls/{sent.call.key}", sha256_hex(sent.call.body)),)


def _started(run: Run) -> Mapping[str, Any]:
    """How the taking back began."""
    step = run.step(StepKind.ROLLBACK_STARTED)
    if step is None:
        raise Broken("nobody began to take this back")
    return step.detail


def _is_by_hand(run: Run) -> bool:
    return bool(_started(run)["by_hand"])
