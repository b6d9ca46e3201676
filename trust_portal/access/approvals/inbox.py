"""A request as one reader sees it: its state, what is still needed and from whom, what they may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.access.approvals.decision import (
    deadline,
    is_withdrawable,
    require_decidable,
    slot_to_deny,
    slot_to_fill,
    state_of,
)
from trust_portal.access.approvals.matching import slots_for, still_needed
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalState,
    Approver,
    person_behind,
)
from trust_portal.errors import Refused
from trust_portal.kernel.actor import Actor, ActorKind, Role


class Show(StrEnum):
    """``waiting``: for the reader's own decision; ``live``: pending, or approved and not used yet."""

    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """``None`` asks for everything: of all tenants (for staff), of every kind, about anything."""

    tenant_id: UUID | None = None
    show: Show = Show.ALL
    kind: ApprovalKind | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A place nobody has filled. ``people`` may fill it; ``barred`` hold the role and may not, since
    they asked, are the requester's delegates, or have decided. To customers neither are named.
    """

    slot: int
    role: Role
    people: tuple[Approver, ...]
    barred: tuple[Approver, ...]


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """``slots`` are those the reader may fill, best first; ``why_not`` says why there is none.
    ``deny_slot`` is the one the reader would deny from, if they may.

    ``deadline`` is until when the next thing may happen: a decision while pending, the use once
    approved; ``None`` after the end.
    """

    approval: Approval
    state: ApprovalState
    deadline: datetime | None
    needs: tuple[Need, ...]
    slots: tuple[int, ...]
    why_not: Refused | None
    deny_slot: int | None
    may_withdraw: bool

    @property
    def may_deny(self) -> bool:
        return self.deny_slot is not None


def view_of(approval: Approval, approvers: Sequence[Approver], reader: Actor, now: datetime) -> ApprovalView:
    """``approvers`` are those who may decide on requests about this tenant."""
    state = state_of(approval, now)
    pending = state is ApprovalState.PENDING
    needed = still_needed(approval, approvers) if pending else {}
    person = person_behind(reader)
    is_person = reader.kind is ActorKind.PERSON
    why_not = _refusal(approval, approvers, person, now)
    return ApprovalView(
        approval=approval,
        state=state,
        deadline=deadline(approval) if state.live else None,
        needs=_needs(approval, needed, approvers if reader.is_staff else ()),
        slots=slots_for(needed, person)[0] if is_person and why_not is None else (),
        why_not=why_not,
        deny_slot=_deny_slot(approval, approvers, person, now) if is_person and pending else None,
        may_withdraw=is_person and state.live and is_withdrawable(approval, person),
    )


def _needs(
    approval: Approval, needed: Mapping[int, tuple[Approver, ...]], named: Sequence[Approver]
) -> tuple[Need, ...]:
    def need(slot: int, able: tuple[Approver, ...]) -> Need:
        role = approval.request.roles[slot - 1]
        holders = [each for each in named if role in each.roles]
        return Need(
            slot,
            role,
            people=tuple(each for each in holders if each in able),
            barred=tuple(each for each in holders if each not in able),
        )

    return tuple(need(slot, able) for slot, able in needed.items())


def _refusal(
    approval: Approval, approvers: Sequence[Approver], person_id: UUID, now: datetime
) -> Refused | None:
    try:
        require_decidable(approval, approval.request.digest, person_id, now)
        slot_to_fill(approval, approvers, person_id, None)
    except Refused as refused:
        return refused
    return None


def _deny_slot(
    approval: Approval, approvers: Sequence[Approver], person_id: UUID, now: datetime
) -> int | None:
    try:
        require_decidable(approval, approval.request.digest, person_id, now)
        return slot_to_deny(approval, approvers, person_id)
    except Refused:
        return None
