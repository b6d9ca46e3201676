"""Who could fill which slot: a bipartite matching of persons to roles. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from trust_portal.access.approvals.model import Approval, Approver
from trust_portal.kernel.actor import Role


def eligible(approver: Approver, role: Role, requester_id: UUID) -> bool:
    """Holds ``role``, did not ask, and is no delegate: the role was not granted by the one who asked."""
    return (
        approver.person_id != requester_id and role in approver.roles and approver.roles[role] != requester_id
    )


def could_fill(
    roles: Sequence[Role], approvers: Sequence[Approver], requester_id: UUID
) -> Mapping[int, tuple[Approver, ...]]:
    """By slot (1, 2, …): everybody who could fill it, each taken for themselves."""
    return {
        slot: tuple(each for each in approvers if eligible(each, role, requester_id))
        for slot, role in enumerate(roles, start=1)
    }


def can_be_filled(candidates: Mapping[int, Sequence[Approver]]) -> bool:
    """Whether every slot can have a person of its own (augmenting paths, König 1931)."""
    holder: dict[UUID, int] = {}

    def place(slot: int, tried: set[UUID]) -> bool:
        for each in candidates[slot]:
            if each.person_id in tried:
                continue
            tried.add(each.person_id)
            if each.person_id not in holder or place(holder[each.person_id], tried):
                holder[each.person_id] = slot
                return True
        return False

    return all(place(slot, set()) for slot in candidates)


def still_needed(approval: Approval, approvers: Sequence[Approver]) -> Mapping[int, tuple[Approver, ...]]:
    """By open slot: who may still fill it. Nobody who has decided already is among them."""
    decided = {each.person_id for each in approval.steps if each.slot is not None}
    others = [each for each in approvers if each.person_id not in decided]
    everybody = could_fill(approval.request.roles, others, approval.request.requester_id)
    return {slot: everybody[slot] for slot in approval.open_slots}


def slots_for(
    needed: Mapping[int, tuple[Approver, ...]], person_id: UUID
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of the open slots those that ``person_id`` may fill, best first, and those that would block.

    Best is the slot that fewest others can fill. A slot blocks if the rest could be filled now, and
    could not be then.
    """
    open_to_all = can_be_filled(needed)
    own = [slot for slot, people in needed.items() if any(each.person_id == person_id for each in people)]
    fits: list[int] = []
    blocks: list[int] = []
    for slot in sorted(own, key=lambda slot: (len(needed[slot]), slot)):
        rest = {
            other: tuple(each for each in people if each.person_id != person_id)
            for other, people in needed.items()
            if other != slot
        }
        (blocks if open_to_all and not can_be_filled(rest) else fits).append(slot)
    return tuple(fits), tuple(blocks)
