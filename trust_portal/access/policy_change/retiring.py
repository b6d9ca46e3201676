"""A superseded set of policies decides no more, whichever program brings it, once two have approved that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import no_longer_stands
from trust_portal.access.approvals.model import (
    ApprovalKind,
    ApprovalRequest,
    AskApproval,
    Intent,
)
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.policy_change.intent import retirement_intent
from trust_portal.access.policy_change.receipts import retire_act
from trust_portal.access.policy_change.repository import installs, texts_of
from trust_portal.access.policy_change.retiring_repository import (
    add_retirement,
    add_retirement_request,
    find_retirement_request,
    retired_versions,
)
from trust_portal.access.policy_register import PolicyRegister
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import require_words
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_KIND: Final = ApprovalKind.POLICY_CHANGE
_VENDOR: Final = TenantScope(VENDOR_ID)
_NOUN: Final = "policies"


@dataclass(frozen=True, slots=True)
class AskPolicyRetirement:
    """Command: ``version`` (as receipts name it), which another superseded, shall not decide again."""

    version: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


class PolicyRetirements:
    """Asked for and approved like new policies, by whoever may ask for and approve those."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals, register: PolicyRegister
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._register = register

    async def ask(self, command: AskPolicyRetirement, actor: Actor) -> ApprovalRequest:
        """Raises ``Denied``; ``NotFound`` for a version that never was in force; ``Conflict``: ``POLICIES_IN_FORCE``
        for the newest, ``POLICIES_RETIRED``, and what ``Approvals.open`` raises.
        """
        await self._gate.require(actor, Action.POLICY_CHANGE_REQUEST, Resource.of_house(_NOUN))
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            intent = await _intent(session, command.version)
            ask = AskApproval(VENDOR_ID, intent, command.reason, f"policies/{command.version}")
            request = await self._approvals.open(session, ask, actor, electorate)
            await add_retirement_request(session, request.id, command.version)
        return request

    async def superseded(self, actor: Actor) -> Mapping[str, bool]:
        """Every version that was in force before the newest, the first first; true: it is retired."""
        await self._gate.require(actor, Action.POLICIES_READ, Resource.of_house(_NOUN))
        async with self._storage.read(_VENDOR) as session:
            known, retired = await installs(session), await retired_versions(session)
        return {each.version: each.version in retired for each in known[:-1]}

    async def asked(self, approval_id: UUID) -> str | None:
        """The version that an approval was asked for to retire; none where it is about something else."""
        async with self._storage.read(_VENDOR) as session:
            return await find_retirement_request(session, approval_id)

    async def approval_settled(self, approval_id: UUID) -> str | None:
        """Retire what was approved to be, once; its version. What no longer is what was shown is void."""
        version = await self.asked(approval_id)
        if version is None:
            raise NotFound(_NOUN)
        retired = await self._approvals.settle(
            VENDOR_ID,
            approval_id,
            lambda: self._retire(approval_id, version),
            "These policies cannot be retired",
        )
        if retired is not None:
            await self._register.follow()
        return retired

    async def _retire(self, approval_id: UUID, version: str) -> str:
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            with no_longer_stands():
                intent = await _intent(session, version)
            used = await self._approvals.use(session, approval_id, intent, SYSTEM, electorate)
            texts = await texts_of(session, version)
            await self._ledger.record(session, retire_act(version, texts or {}, used))
            await add_retirement(session, version, approval_id, used.approval.steps[-1])
        return version


async def _intent(session: ReadSession, version: str) -> Intent:
    vendor = await find_tenant(session, VENDOR_ID)
    known = [each.version for each in await installs(session)]
    if vendor is None or version not in known:
        raise NotFound("version of the policies", field="version")
    if version == known[-1]:
        raise Conflict(
            "these policies are in force: have others approved that take their place",
            code="POLICIES_IN_FORCE",
            field="version",
        )
    if version in await retired_versions(session):
        raise Conflict("these policies are retired already", code="POLICIES_RETIRED", field="version")
    return retirement_intent(vendor, version, known[-1])
