"""The rules of dual control as calculations: what state a request is in, and what may happen to it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.approvals.matching import eligible, slots_for, still_needed
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalState,
    Approver,
    StepAct,
)
from trust_portal.errors import Conflict, Denied, InvalidInput, Refused
from trust_portal.kernel.actor import Role


class ApprovalRefused(Conflict):
    """What a request does not allow, or its approval does not carry: by its state, its intent, the rule, or who
    gave it. Whoever would have used it has nothing to act on.
    """


class ApprovalSpent(ApprovalRefused):
    """It was used: what it was given for is done, or somebody is just doing it."""


class IntentChanged(ApprovalRefused):
    """What is about to be done is not what was asked for."""


class NeedsApproval(Conflict):
    """Nobody does it at once: it is asked for, and done with the approval."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message, field=field, code="NEEDS_APPROVAL")


@contextmanager
def no_longer_stands() -> Iterator[None]:
    """Around an act that is made anew from what is stored: where that stands in its way by now, the approval
    is for something that cannot be done any more (``ApprovalRefused``, by the same code).
    """
    try:
        yield
    except ApprovalRefused:
        raise
    except Conflict as conflict:
        raise ApprovalRefused(conflict.message, code=conflict.code, field=conflict.field) from conflict


_ENDED: Final = {
    StepAct.USE: ApprovalState.USED,
    StepAct.DENY: ApprovalState.DENIED,
    StepAct.EXPIRE: ApprovalState.EXPIRED,
    StepAct.WITHDRAW: ApprovalState.WITHDRAWN,
    StepAct.VOID: ApprovalState.VOID,
}
#: Why nothing more happens to a request: code and words.
_WHY: Final = {
    ApprovalState.PENDING: ("APPROVAL_PENDING", "not everybody who must has approved this yet"),
    ApprovalState.APPROVED: ("APPROVAL_COMPLETE", "everybody who must has approved this already"),
    ApprovalState.USED: ("APPROVAL_USED", "this approval was used; it is good for one act"),
    ApprovalState.DENIED: ("APPROVAL_DENIED", "this was denied; one denial ends a request"),
    ApprovalState.EXPIRED: ("APPROVAL_EXPIRED", "the time for this is over; it can be asked for again"),
    ApprovalState.WITHDRAWN: ("APPROVAL_WITHDRAWN", "whoever asked for this has withdrawn it"),
    ApprovalState.VOID: ("APPROVAL_VOID", "what this was about no longer stands"),
}


def deadline(approval: Approval) -> datetime:
    """Until when the next thing may happen: a decision while pending, the use once approved."""
    if approval.open_slots:
        return approval.request.expires_at
    return approval.approvals[-1].at + timedelta(seconds=approval.request.use_seconds)


def state_of(approval: Approval, now: datetime) -> ApprovalState:
    """Derived from the steps and the time alone: it needs no job to have run."""
    if approval.end is not None:
        return _ENDED[approval.end.act]
    if now > deadline(approval):
        return ApprovalState.EXPIRED
    return ApprovalState.PENDING if approval.open_slots else ApprovalState.APPROVED


def refuse_state(state: ApprovalState) -> ApprovalRefused:
    """Why what needs another state cannot be done in this one."""
    code, words = _WHY[state]
    return (ApprovalSpent if state is ApprovalState.USED else ApprovalRefused)(words, code=code)


def require_decidable(approval: Approval, digest: str, person_id: UUID, now: datetime) -> None:
    """What holds for approving and denying alike. Raises ``ApprovalRefused`` or ``Conflict``; ``Denied`` to the requester."""
    state = state_of(approval, now)
    if state is not ApprovalState.PENDING:
        raise refuse_state(state)
    require_same_intent(approval, digest)
    if person_id == approval.request.requester_id:
        raise Denied("nobody decides on what they asked for themselves", code="OWN_REQUEST")
    if any(each.person_id == person_id for each in approval.approvals):
        raise Conflict(
            "you have approved this already; the next approval is another person's", code="SAME_APPROVER"
        )


def require_own_passkey(approval: Approval, brought_by: Collection[UUID]) -> None:
    """``brought_by``: who made the links by which its owner had come in when enrolling the passkey.

    Whoever makes a link can come in by it, as another person, and enrol a passkey as that person. So
    nothing that they asked for is approved with one. Raises ``Denied`` (``PASSKEY_BY_REQUESTERS_LINK``).
    """
    if approval.request.requester_id in brought_by:
        raise Denied(
            "this passkey was enrolled after signing in by a link of the one who asks for this: have somebody else "
            "make you a link, or sign in by your company's sign-in, and enrol another passkey",
            code="PASSKEY_BY_REQUESTERS_LINK",
        )


def require_same_intent(approval: Approval, digest: str) -> None:
    if digest != approval.request.digest:
        raise IntentChanged(
            "this is not what was asked for; an approval holds for exactly what was shown",
            code="INTENT_CHANGED",
            field="digest",
        )


def require_standing(approval: Approval, approvers: Sequence[Approver]) -> None:
    """Everybody who approved still could: active, with the role they approved in, and no delegate.

    ``approvers`` are those who could decide now. Raises ``ApprovalRefused`` (``APPROVER_LEFT``).
    """
    able = {each.person_id: each for each in approvers}
    for step in approval.approvals:
        now = able.get(step.person_id)
        if now is None or step.role is None or not eligible(now, step.role, approval.request.requester_id):
            raise ApprovalRefused(
                f"{step.person_name} approved this and may no longer; ask again", code="APPROVER_LEFT"
            )


def is_withdrawable(approval: Approval, person_id: UUID) -> bool:
    """Whose request it is takes it back; but a review is owed, and not asked for by the one it is about."""
    request = approval.request
    return person_id == request.requester_id and request.kind is not ApprovalKind.BREAK_GLASS_REVIEW


def slot_to_fill(
    approval: Approval, approvers: Sequence[Approver], person_id: UUID, wanted: int | None
) -> int:
    """The slot an approval fills: the one wanted, or the one that fewest others can fill.

    Raises ``Denied`` for somebody who may fill none, ``Conflict`` for a slot that is filled, not
    theirs, or would leave a rest that nobody could fill.
    """
    needed = still_needed(approval, approvers)
    fits, blocks = slots_for(needed, person_id)
    if wanted is not None:
        if not 1 <= wanted <= len(approval.request.roles):
            raise InvalidInput("there is no such place to fill", field="slot")
        if wanted not in needed:
            raise Conflict("this place is filled already", code="SLOT_TAKEN", field="slot")
    if not fits and not blocks:
        raise _no_approver(approval, approvers, person_id)
    if wanted is not None and wanted not in fits + blocks:
        role = approval.request.roles[wanted - 1]
        raise Denied(f"this place is for somebody else, {role.holder}", code="NOT_AN_APPROVER")
    if wanted in blocks or not fits:
        raise Conflict(
            "then nobody would be left for another place; fill the one that others cannot",
            code="WOULD_BLOCK",
            field="slot",
        )
    return fits[0] if wanted is None else wanted


def slot_to_deny(approval: Approval, approvers: Sequence[Approver], person_id: UUID) -> int:
    """A slot whose role ``person_id`` holds, filled or not: whoever may approve such a thing may stop it."""
    approver = next((each for each in approvers if each.person_id == person_id), None)
    for slot, role in enumerate(approval.request.roles, start=1):
        if approver is not None and eligible(approver, role, approval.request.requester_id):
            return slot
    raise _no_approver(approval, approvers, person_id)


def granted_by(approvers: Sequence[Approver], person_id: UUID, role: Role) -> UUID | None:
    """The person who gave ``person_id`` the role; ``None`` where no person did."""
    return next((each.roles.get(role) for each in approvers if each.person_id == person_id), None)


def _no_approver(approval: Approval, approvers: Sequence[Approver], person_id: UUID) -> Refused:
    approver = next((each for each in approvers if each.person_id == person_id), None)
    asked = [] if approver is None else [each for each in approval.request.roles if each in approver.roles]
    open_roles = [approval.request.roles[slot - 1] for slot in approval.open_slots]
    names = " and ".join(dict.fromkeys(role.holder for role in open_roles or approval.request.roles))
    if approver is not None and any(approver.roles[role] == approval.request.requester_id for role in asked):
        return Denied(
            "whoever asked for this gave you the role; a delegate of the requester does not decide",
            code="DELEGATE_OF_REQUESTER",
        )
    return Denied(f"this takes {names}, which you are not", code="NOT_AN_APPROVER")
