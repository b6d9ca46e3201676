"""A credit in words, and its way from measuring to issuing as stamps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from trust_portal.access.approvals.model import Approval, StepAct
from trust_portal.documents import formats
from trust_portal.kernel.money import Money
from trust_portal.reliability.credits.model import CreditKind, CreditState
from trust_portal.reliability.credits.record import Passage, StoredCredit
from trust_portal.reliability.credits.words import role_of

#: Status kind and word of each state.
STATES: Mapping[str, tuple[str, str]] = {
    "proposed": ("busy", "Proposed"),
    "approved": ("busy", "Approved, to be issued"),
    "issued": ("good", "Issued"),
    "rejected": ("bad", "Rejected"),
    "expired": ("mute", "Expired"),
    "voided": ("mute", "Voided"),
}
STATE_CHOICES = [(each.value, STATES[each.value][1]) for each in CreditState]
KINDS: Mapping[str, str] = {"credit": "Credit", "supplement": "Supplement", "reversal": "Reversal"}


def money_of(amount: Money) -> str:
    """Without the sign, which the kind says in words."""
    return formats.money(Money(abs(amount.minor), amount.currency))


def title_of(credit: StoredCredit) -> str:
    """``EUR 100.00 for June 2026``"""
    back = " taken back" if credit.kind is CreditKind.REVERSAL else ""
    return f"{money_of(credit.amount)}{back} for {formats.period(credit.period)}"


def standing(credit: StoredCredit, approval: Approval) -> str:
    """Where it stands and what comes next, in one sentence."""
    match credit.state:
        case CreditState.PROPOSED:
            roles = [role_of(approval.request.roles[slot - 1].value) for slot in approval.open_slots]
            until = formats.instant(approval.request.expires_at.replace(microsecond=0))
            return f"Proposed by {credit.proposer}. It still needs approval {' and '.join(roles)}, until {until}."
        case CreditState.APPROVED:
            return (
                "Approved by everybody it takes. Somebody who neither proposed nor approved it books it, and says "
                "under which reference."
            )
        case CreditState.ISSUED:
            reference = "" if credit.issue is None else credit.issue.reference
            return f"Booked as {reference} by {credit.last.by}. Its memo proves every step, offline."
        case CreditState.REJECTED:
            return f"Rejected: {credit.last.reason}"
        case CreditState.EXPIRED:
            return "Nobody approved or issued it in time. It can be proposed again."
        case CreditState.VOIDED:
            return f"Withdrawn by {credit.last.by}: {credit.last.reason}"


def stamps_of(
    credit: StoredCredit, approval: Approval, body: Mapping[str, Any], receipts: str | None
) -> list[dict[str, str]]:
    """From measuring to the end; each stamp opens its receipt below ``receipts``, where one may read them."""
    calculation = credit.calculation
    until = f"until {formats.instant(body['period']['end'])}"
    proposed = credit.history[0]
    steps = [
        _stamp("Measured", until, receipts, body["report"]["receipt"], f"report, revision {credit.revision}"),
        _stamp("Calculated", _at(calculation.calculated_at), receipts, calculation.receipt_id),
        _passage("Proposed", proposed, receipts),
    ]
    steps += [
        _stamp(
            "Approved",
            _at(each.at),
            receipts,
            each.receipt_id,
            f"{each.person_name}, {role_of(None if each.role is None else each.role.value)}",
        )
        for each in approval.steps
        if each.act is StepAct.APPROVE
    ]
    if credit.state is CreditState.PROPOSED:
        steps += [
            {"word": "Approved", "by": role_of(approval.request.roles[slot - 1].value), "state": "next"}
            for slot in approval.open_slots
        ]
    if credit.state in {CreditState.PROPOSED, CreditState.APPROVED}:
        return [*steps, {"word": "Issued", "state": "next"}]
    end = _passage(STATES[credit.state.value][1], credit.last, receipts)
    if credit.state is not CreditState.ISSUED:
        end["state"] = "refused"
    return [*steps, end]


@dataclass(frozen=True, slots=True)
class Told:
    """A line of what happened: ``receipt`` is its id."""

    word: str
    by: str
    at: datetime
    reason: str
    receipt: UUID


def told_of(credit: StoredCredit, approval: Approval) -> list[Told]:
    """What people did, in order of time: that everybody has approved is said by the approvals themselves."""
    told = [
        Told(STATES[each.state.value][1], each.by, each.at, each.reason, each.receipt_id)
        for each in credit.history
        if each.state is not CreditState.APPROVED
    ]
    told[1:1] = [
        Told(
            f"Approved {role_of(None if each.role is None else each.role.value)}",
            each.person_name,
            each.at,
            each.reason,
            each.receipt_id,
        )
        for each in approval.approvals
    ]
    return told


def _passage(word: str, passage: Passage, receipts: str | None) -> dict[str, str]:
    return _stamp(word, _at(passage.at), receipts, passage.receipt_id, passage.by)


def _stamp(word: str, at: str, receipts: str | None, receipt: object, by: str = "") -> dict[str, str]:
    stamp = {"word": word, "at": at}
    if receipts is not None:
        stamp["href"] = f"{receipts}{receipt}"
    if by:
        stamp["by"] = by
    return stamp


def _at(at: datetime) -> str:
    return formats.instant(at.replace(microsecond=0))
