"""What an approver of a run is shown, whole: made from the plan alone, so that it comes out the same when it is used. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.cost.remediation.model import Plan, Run
from trust_portal.cost.remediation.playbooks import ControlAction
from trust_portal.documents.formats import NO_BREAK, amount
from trust_portal.kernel.clock import rfc3339

_MOST: Final = 1900


def approval_kind(plan: Plan) -> ApprovalKind:
    """What is deleted early does not come back: a change of retention has approvers of its own."""
    retention = plan.playbook.action is ControlAction.SET_RETENTION_TIER
    return ApprovalKind.RETENTION_CHANGE if retention else ApprovalKind.PLAYBOOK_RUN


def intent_of(run: Run) -> Intent:
    plan, playbook = run.plan, run.plan.playbook
    root = f"/t/{plan.tenant}"
    lines = [
        IntentLine("Playbook", f"{plan.playbook_id}: {playbook.title}"),
        IntentLine("Call", playbook.action.value),
        IntentLine("Target", pairs(plan.target)),
        IntentLine("Parameters", pairs(plan.parameters) or "none"),
        IntentLine("Acts upon", f"{pairs(plan.part.where)} in {plan.subsystem}"),
        IntentLine("Because", clipped("; ".join(plan.reasons))),
        IntentLine("Confirmed within", f"{playbook.call_lasts_minutes} minutes of approval, or given up"),
        IntentLine(
            "Verified by",
            f"{playbook.verify.hours} closed hours after it, in which at least"
            f" {playbook.verify.reduction:.0%} of the excess has gone; else it is taken back by itself",
        ),
        IntentLine(
            "Taken back at once",
            f"if an objective's error ratio rises by more than {playbook.health.rise:.2%}",
        ),
        IntentLine("Product's dry run", clipped(rehearsed(plan))),
    ]
    return Intent(
        kind=approval_kind(plan),
        tenant_key=plan.tenant,
        tenant_name=plan.tenant_name,
        title=f"{playbook.title} for {plan.tenant_name}"[:200].strip(),
        act=tuple(lines),
        effect=(
            f"Saves about {money(plan.saving.per_hour, plan.currency)} an hour,"
            f" {money(plan.saving.total, plan.currency)} over {plan.saving.hours} hours"
        ),
        risk=clipped(radius(plan)),
        evidence=(
            Evidence(
                "Anomaly", f"{root}/cost/anomalies/{plan.anomaly}", _digest_of(plan, "anomaly explained")
            ),
            *(
                Evidence(f"Receipt: {each.label}", f"{root}/receipts/{each.receipt}", each.sha256)
                for each in plan.evidence
            ),
        ),
    )


def radius(plan: Plan) -> str:
    """The blast radius in one sentence."""
    found = plan.blast_radius
    share = f", {found.cost / found.of_tenant:.1%} of all it cost" if found.of_tenant > 0 else ""
    named = ", ".join(f"{each.operation} on {each.resource} ({each.subsystem})" for each in found.things[:5])
    more = f" and {found.count - 5} more" if found.count > 5 else ""
    beside = (
        f" {money(found.beside, plan.currency)} of that lies beside what it is meant for."
        if found.beside
        else " Nothing beside what it is meant for."
    )
    also = ", ".join(money(cost, currency) for currency, cost in found.elsewhere.items())
    elsewhere = (
        f" Also reaches usage that cost {also}, which its limit of money does not count." if also else ""
    )
    return (
        f"Reaches usage of {plan.tenant_name} that cost {money(found.cost, plan.currency)} in"
        f" {found.hours} hours{share}: {named or 'nothing that was used'}{more}.{beside}{elsewhere}"
    )


def rehearsed(plan: Plan) -> str:
    """What came of the dry run, in words."""
    if plan.dry_run is None:
        return "not made"
    said = {
        "applied": "it would be applied",
        "pending": "it would be taken in",
        "refused": "it would be refused",
        "no_answer": "no answer",
        "not_asked": "not made",
    }[plan.dry_run.state]
    effect = f"; effect: {pairs(plan.dry_run.effect)}" if plan.dry_run.effect else ""
    reason = f"; {plan.dry_run.reason}" if plan.dry_run.reason else ""
    return f"{said}{effect}{reason}, asked at {rfc3339(plan.dry_run.asked_at)}"


def money(value: Decimal, currency: str) -> str:
    """Every digit that says something, in characters that any page can show."""
    return amount(value, currency).replace(NO_BREAK, " ")


def pairs(values: Mapping[str, object]) -> str:
    """``operation export, resource orders``."""
    return ", ".join(
        f"{name.removeprefix('label:')} {value if value != '' else 'none'}" for name, value in values.items()
    )


def clipped(text: str) -> str:
    """One line of what others wrote, short enough to be shown whole."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def _digest_of(plan: Plan, label: str) -> str:
    return next((each.sha256 for each in plan.evidence if each.label == label), plan.evidence[0].sha256)
