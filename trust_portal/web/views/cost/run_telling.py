"""The steps of a run in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from trust_portal.cost.remediation.intent import pairs
from trust_portal.cost.remediation.model import Plan, Run, Step, StepKind
from trust_portal.documents.formats import amount, instant
from trust_portal.kernel.actor import Role
from trust_portal.kernel.money import Money

_MARKS = {
    StepKind.PLANNED: ("good", "Planned"),
    StepKind.REQUESTED: ("good", "Approval asked for"),
    StepKind.APPROVED: ("good", "Permitted"),
    StepKind.SENT: ("busy", "Call sent"),
    StepKind.UNCONFIRMED: ("warn", "Not confirmed"),
    StepKind.EXECUTED: ("good", "Executed"),
    StepKind.VERIFIED: ("good", "Verified"),
    StepKind.ROLLBACK_STARTED: ("warn", "Rollback begun"),
    StepKind.HELD: ("warn", "Held"),
    StepKind.ROLLED_BACK: ("good", "Rolled back"),
    StepKind.DENIED: ("bad", "Denied by policy"),
    StepKind.DECLINED: ("bad", "Declined"),
    StepKind.FAILED: ("bad", "Failed"),
    StepKind.LAPSED: ("mute", "Lapsed"),
}
_CHANGED = {
    "no": "nothing was changed",
    "yes": "what was done still stands",
    "unknown": "whether anything was changed is not known; look at the product, or take it back",
}


@dataclass(frozen=True, slots=True)
class StepTold:
    mark: str
    word: str
    words: str
    at: datetime
    by: str
    receipt_id: UUID | None
    approval_id: UUID | None


def steps_told(run: Run) -> list[StepTold]:
    return [
        StepTold(
            *_MARKS[each.kind], _words(run, each), each.at, each.actor_name, each.receipt_id, each.approval_id
        )
        for each in run.steps
    ]


def limit_words(plan: Plan) -> str:
    """What the usage acted upon may cost a day, as the playbook had it when it was planned."""
    limit = plan.playbook.limits.money(plan.currency)
    if limit is None:
        return f"none in {plan.currency}, so nothing is done in it"
    return f"{amount(Decimal(Money(limit, plan.currency).decimal), plan.currency)} a day, over all customers"


def _words(run: Run, step: Step) -> str:
    detail = step.detail
    match step.kind:
        case StepKind.PLANNED:
            return f"from the playbook “{run.plan.playbook.title}”"
        case StepKind.REQUESTED:
            return f"of {' and '.join(Role(role).holder for role in detail['roles'])}"
        case StepKind.APPROVED if "break_glass" in detail:
            by = instant(detail["expires_at"])
            return f"without approval, the glass broken: {detail['reason']}; to be confirmed by {by}"
        case StepKind.APPROVED:
            return f"within every limit; to be confirmed by {instant(detail['expires_at'])}"
        case StepKind.SENT:
            return f"{detail['action'].replace('_', ' ')}, attempt {detail['attempt']}"
        case StepKind.UNCONFIRMED:
            said = "the product has not done it yet" if detail["answer"] == "pending" else detail["reason"]
            return f"{said}; it is sent again"
        case StepKind.EXECUTED | StepKind.ROLLED_BACK:
            effect, previous = _said(detail["effect"]), _said(detail["previous"])
            told = f"the product says: {effect or 'done'}"
            return f"{told}; before: {previous}" if previous else told
        case StepKind.VERIFIED:
            return str(detail["verification"]["finding"])
        case StepKind.ROLLBACK_STARTED:
            return _why_back(detail)
        case StepKind.DENIED:
            return f"by {', '.join(detail['rules'])}"
        case StepKind.FAILED:
            reason = f": {detail['reason']}" if detail.get("reason") else ""
            return f"{detail['why']}{reason}; {_CHANGED[detail['changed']]}"
        case StepKind.HELD if "rules" in detail:
            return f"by {', '.join(detail['rules'])}; it goes on when the switch is let go"
        case _:
            return ": ".join(str(detail[name]) for name in ("why", "words") if detail.get(name))


def _said(values: Mapping[str, object]) -> str:
    """``pairs`` with its names as words; what the product has no value for is none."""
    return pairs(
        {name.replace("_", " "): "none" if value is None else value for name, value in values.items()}
    )


def _why_back(detail: object) -> str:
    assert isinstance(detail, dict)  # noqa: S101 - narrows the type
    if "verification" in detail:
        return f"{detail['why']}: {detail['verification']['finding']}"
    if "suffering" in detail:
        worse = ", ".join(
            f"{each['objective']} had {each['bad']} bad of {each['total']},"
            f" {each['bad_before']} of {each['total_before']} before"
            for each in detail["suffering"]
        )
        return f"the tenant suffers: {worse}"
    if detail.get("changed") == "unknown":
        return (
            f"{detail['why']}: nobody knows whether the product did it, in {detail['attempts']} attempts;"
            " it is told to take it back"
        )
    return str(detail["why"])
