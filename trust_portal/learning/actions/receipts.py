"""What an act upon a prevention action leaves in the vendor's log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from trust_portal.access.policy import Decision
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import PreventionAction, Reminder, Step, StepAct

KIND_OF: Final[Mapping[StepAct, ReceiptKind]] = MappingProxyType(
    {
        StepAct.BEGIN: ReceiptKind.PREVENTION_ACTION_BEGUN,
        StepAct.MOVE: ReceiptKind.PREVENTION_ACTION_MOVED,
        StepAct.FINISH: ReceiptKind.PREVENTION_ACTION_DONE,
        StepAct.DROP: ReceiptKind.PREVENTION_ACTION_DROPPED,
        StepAct.SUPERSEDE: ReceiptKind.PREVENTION_ACTION_SUPERSEDED,
        StepAct.WITHDRAW: ReceiptKind.PREVENTION_ACTION_WITHDRAWN,
    }
)


def action_json(action: PreventionAction) -> dict[str, Json]:
    """An action as it was planned: what its receipts and its postmortem state."""
    return {
        "action": str(action.id),
        "postmortem": str(action.postmortem_id),
        "incident": str(action.incident_id),
        "title": action.title,
        "type": action.type.value,
        "owner": str(action.owner_id),
        "term": str(action.term),
        "calendar": {
            "country": action.calendar.country,
            "subdivision": action.calendar.subdivision,
            "time_zone": action.calendar.time_zone,
        },
        "link": action.link,
    }


def planned_act(action: PreventionAction, actor: Actor, decision: Decision, reason: str | None = None) -> Act:
    """``reason`` is of one that replaces another; its receipt says what it takes over."""
    inherited: dict[str, Json] = {}
    if action.replaces is not None:
        agreed = action.agreed_before
        inherited = {
            "replaces": str(action.replaces),
            "agreed_before": None if agreed is None else agreed.isoformat(),
            "moves_before": str(action.moves_before),
        }
    kind, at = ReceiptKind.PREVENTION_ACTION_PLANNED, action.created_at
    return _act(kind, action, actor, decision, at, inherited, rationale=reason)


def step_act(
    action: PreventionAction,
    step: Step,
    actor: Actor,
    decision: Decision | None,
    inputs: tuple[Input, ...],
    further: Mapping[str, Json] | None = None,
) -> Act:
    """``action`` as it stood before ``step``. It rests on the receipt of what was before."""
    result: dict[str, Json] = {
        "act": step.act.value,
        "ordinal": str(step.ordinal),
        "due": None if step.due is None else step.due.isoformat(),
        "due_before": None if action.due is None else action.due.isoformat(),
        "moves": str(action.moves + (step.act is StepAct.MOVE)),
        "evidence": None if step.evidence is None else {"address": step.evidence, "sha256": step.sha256},
        "successor": None if step.successor_id is None else str(step.successor_id),
        **(further or {}),
    }
    return _act(KIND_OF[step.act], action, actor, decision, step.at, result, inputs, step.note)


def recurred_act(
    action: PreventionAction, actor: Actor, decision: Decision, at: datetime, incident: str, note: str
) -> Act:
    return _act(
        ReceiptKind.PREVENTION_ACTION_RECURRED,
        action,
        actor,
        decision,
        at,
        {"recurrence": incident},
        (),
        note,
    )


def acknowledged_act(
    action: PreventionAction, actor: Actor, decision: Decision, at: datetime, escalation: Reminder, note: str
) -> Act:
    """``escalation`` is the reminder that was taken note of."""
    said: dict[str, Json] = {"due": escalation.due.isoformat(), "rung": escalation.rung.value}
    return _act(ReceiptKind.ESCALATION_ACKNOWLEDGED, action, actor, decision, at, said, (), note)


def _act(
    kind: ReceiptKind,
    action: PreventionAction,
    actor: Actor,
    decision: Decision | None,
    at: datetime,
    further: Mapping[str, Json] | None = None,
    inputs: tuple[Input, ...] = (),
    rationale: str | None = None,
) -> Act:
    body = action_json(action)
    return Act(
        kind=kind,
        tenant_id=VENDOR_ID,
        actor=actor,
        at=at,
        subjects=(Subject(f"prevention_action/{action.id}", digest(body)),),
        predicate={**body, **(further or {})},
        inputs=inputs,
        policies=() if decision is None else decision.policies,
        policy_version=None if decision is None else decision.version,
        rationale=rationale,
    )
