"""A step of a run, with the receipt of the act that it is, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from trust_portal.access.policy import Decision
from trust_portal.cost.remediation import repository
from trust_portal.cost.remediation.model import Plan, Run, RunState, Step, StepKind
from trust_portal.cost.remediation.repository import plan_json
from trust_portal.cost.remediation.telling import tell_step
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import new_id
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: The acts among the steps; what is no act (an attempt, a wait) leaves no receipt.
_RECEIPTS: Mapping[StepKind, ReceiptKind] = {
    StepKind.APPROVED: ReceiptKind.PLAYBOOK_APPROVED,
    StepKind.DENIED: ReceiptKind.PLAYBOOK_DENIED,
    StepKind.EXECUTED: ReceiptKind.PLAYBOOK_EXECUTED,
    StepKind.FAILED: ReceiptKind.PLAYBOOK_FAILED,
    StepKind.LAPSED: ReceiptKind.PLAYBOOK_LAPSED,
    StepKind.PLANNED: ReceiptKind.PLAYBOOK_PLANNED,
    StepKind.ROLLBACK_STARTED: ReceiptKind.PLAYBOOK_ROLLBACK_STARTED,
    StepKind.ROLLED_BACK: ReceiptKind.PLAYBOOK_ROLLED_BACK,
    StepKind.VERIFIED: ReceiptKind.PLAYBOOK_VERIFIED,
}


async def record_plan(
    session: WriteSession,
    ledger: Ledger,
    tenant_id: UUID,
    plan: Plan,
    actor: Actor,
    decision: Decision,
    supersedes: UUID | None,
) -> Run:
    """A new run: its plan, with the whole of it in the receipt."""
    run_id, now, stated = new_id(), session.clock.now(), plan_json(plan)
    result: dict[str, Json] = {"run": str(run_id), "supersedes": _text(supersedes), "plan": stated}
    receipt = await ledger.record(
        session,
        Act(
            kind=ReceiptKind.PLAYBOOK_PLANNED,
            tenant_id=tenant_id,
            actor=actor,
            at=now,
            subjects=(Subject(f"playbook-run/{run_id}/plan", digest(stated)),),
            predicate=result,
            inputs=(
                Input("playbooks", plan.playbooks_digest),
                *(Input(f"receipt/{each.receipt}", each.sha256) for each in plan.evidence),
            ),
            policies=decision.policies,
            policy_version=decision.version,
        ),
    )
    step = Step(1, StepKind.PLANNED, RunState.PLANNED, now, actor.name, {}, receipt.id, None)
    run = Run(run_id, tenant_id, plan, now, actor.id, actor.name, (step,))
    await repository.add_run(session, run, actor, supersedes, receipt.id)
    return run


async def record_step(
    session: WriteSession,
    ledger: Ledger,
    run: Run,
    kind: StepKind,
    state: RunState,
    actor: Actor,
    detail: Mapping[str, Any],
    *,
    decision: Decision | None = None,
    inputs: Sequence[Input] = (),
    reason: str | None = None,
    approval_id: UUID | None = None,
    receipt_id: UUID | None = None,
) -> Run:
    """The next step, and the run as it then stands. ``Conflict`` (``MOVED_ON``) where somebody was first.

    Its receipt rests on the one of the act before it in the run, and carries the id of the emergency
    access that the run owes itself to, if any. ``receipt_id`` is that of an act
    elsewhere, for a step that is none itself.
    """
    now, ordinal = session.clock.now(), run.last.ordinal + 1
    if kind in _RECEIPTS:
        result: dict[str, Json] = {
            "run": str(run.id),
            "anomaly": str(run.plan.anomaly),
            "playbook": run.plan.playbook_id,
            "action": run.plan.playbook.action.value,
            "step": str(ordinal),
            "state": {"before": run.state.value, "after": state.value},
            **({} if run.emergency is None else {"break_glass": run.emergency}),
            **detail,
        }
        before = await last_receipt(session, run)
        receipt = await ledger.record(
            session,
            Act(
                kind=_RECEIPTS[kind],
                tenant_id=run.tenant_id,
                actor=actor,
                at=now,
                subjects=(Subject(f"playbook-run/{run.id}/{ordinal}", digest(result)),),
                predicate=result,
                inputs=(*before, *inputs),
                policies=() if decision is None else decision.policies,
                policy_version=None if decision is None else decision.version,
                rationale=reason,
            ),
        )
        receipt_id = receipt.id
    allowed_by = None
    if kind is StepKind.APPROVED and approval_id is None and decision is not None:
        allowed_by = ", ".join(decision.policies)
    step = Step(ordinal, kind, state, now, actor.name, detail, receipt_id, approval_id, allowed_by)
    await repository.add_step(session, run, step, actor)
    after = replace(run, steps=(*run.steps, step))
    await tell_step(session, after)
    return after


async def last_receipt(session: ReadSession, run: Run) -> tuple[Input, ...]:
    """The receipt of the run's latest act."""
    ids = [each.receipt_id for each in run.steps if each.kind in _RECEIPTS and each.receipt_id is not None]
    digests = await receipt_digests(session, run.tenant_id, *ids[-1:])
    return tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in digests.items())


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)
