"""Velocity hints on a request: whether those who decide on it have been approving for each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals.inbox import ApprovalView
from trust_portal.access.approvals.model import NOUN
from trust_portal.access.approvals.patterns_repository import consents_between
from trust_portal.access.approvals.velocity import LONG, PairHint, pair_hints
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.kernel.actor import Actor
from trust_portal.storage.unit_of_work import Storage

_PATTERN: Final = "approval pattern"
_PURPOSE: Final = "approvals"


@dataclass(frozen=True, slots=True)
class NamedHint:
    """A hint with the name of the approver it is about; ``decided``: they have approved this request."""

    name: str
    decided: bool
    hint: PairHint


class ApprovalPatterns:
    """Staff sees patterns over all tenants, an auditor those of the own tenant."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def of(self, actor: Actor, view: ApprovalView) -> tuple[NamedHint, ...]:
        """On those who approved, and those who still may; nothing for who may not see patterns.

        Each tenant whose approvals were counted has it in its access log.
        """
        request = view.approval.request
        if not self._gate.allows(actor, Action.APPROVAL_PATTERN_READ, Resource(NOUN, request.tenant_id)):
            return ()
        decided = {each.person_id: each.person_name for each in view.approval.approvals}
        able = {person.person_id: person.name for need in view.needs for person in need.people}
        names: dict[UUID, str] = decided | {id_: name for id_, name in able.items() if id_ not in decided}
        if not names:
            return ()
        now = self._storage.clock.now()
        async with self._storage.read(scope_of(actor, request.tenant_id)) as session:
            consents, counted = await consents_between(
                session,
                request.requester_id,
                names,
                since=now - LONG,
                without=request.id,
                tenant_id=None if actor.is_staff else request.tenant_id,
            )
        await self._access_log.looked(actor, request.tenant_id, _PATTERN, str(request.id), _PURPOSE)
        others = counted - {request.tenant_id}
        if others:
            await self._access_log.trace(actor, others, Access(Verb.READ, _PATTERN, "", _PURPOSE))
        hints = pair_hints(consents, request.requester_id, list(names), now)
        return tuple(NamedHint(names[each.approver_id], each.approver_id in decided, each) for each in hints)
