"""What this program came with is asked for; approved by two, it decides."""

from __future__ import annotations

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
from trust_portal.access.policy import PolicySet, Resource
from trust_portal.access.policy_change import repository
from trust_portal.access.policy_change.changes import difference
from trust_portal.access.policy_change.intent import policy_intent
from trust_portal.access.policy_change.receipts import install_act
from trust_portal.access.policy_change.repository import Install
from trust_portal.access.policy_register import PolicyRegister, texts
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Broken, Conflict, NotFound
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
class AskPolicyChange:
    """Command: the policies that came with this program shall decide."""

    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


class PolicyChanges:
    """Asking is done by the program that brings the texts; they are kept with the request."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, approvals: Approvals, register: PolicyRegister
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._register = register

    async def ask(self, command: AskPolicyChange, actor: Actor) -> ApprovalRequest:
        """Raises ``Denied``; ``Conflict``: ``POLICIES_IN_FORCE``, and what ``Approvals.open`` raises."""
        await self._gate.require(actor, Action.POLICY_CHANGE_REQUEST, Resource.of_house(_NOUN))
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        shipped = self._register.shipped
        async with self._storage.write(_VENDOR) as session:
            intent, _ = await self._intent(session, shipped.version, texts(shipped))
            subject = f"policies/{shipped.version}"
            ask = AskApproval(VENDOR_ID, intent, command.reason, subject)
            request = await self._approvals.open(session, ask, actor, electorate)
            await repository.add_request(session, request.id, shipped.version, texts(shipped))
        return request

    async def difference(self, actor: Actor, version: str, against: str) -> str:
        """Every line in which ``version`` differs from ``against``, as a unified diff. Raises ``NotFound``."""
        old, new = [
            {each.name: each.text for each in await self._register.read(actor, wanted)}
            for wanted in (against, version)
        ]
        return difference(old, new)

    async def approval_settled(self, tenant_id: UUID, approval_id: UUID) -> str | None:
        """Put into force what was approved, once; its version. What no longer is what was shown is void."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            asked = await repository.find_request(session, approval_id)
        if asked is None:
            raise NotFound(_NOUN)
        installed = await self._approvals.settle(
            tenant_id,
            approval_id,
            lambda: self._install(approval_id, *asked),
            "These policies cannot come into force",
        )
        if installed is not None:
            await self._register.follow()
        return installed

    async def _install(self, approval_id: UUID, version: str, contents: dict[str, str]) -> str:
        policies = PolicySet.parse(contents)
        if policies.version != version:
            raise Broken("kept policies are not the version that was asked for", code="BAD_POLICY")
        electorate = await self._approvals.who_could(_KIND, VENDOR_ID)
        async with self._storage.write(_VENDOR) as session:
            with no_longer_stands():
                intent, newest = await self._intent(session, version, contents)
            used = await self._approvals.use(session, approval_id, intent, SYSTEM, electorate)
            use = used.approval.steps[-1]
            act = install_act(version, contents, use.at, used, newest.version)
            await self._ledger.record(session, act)
            await repository.add_set(session, version, contents)
            await repository.add_install(session, Install(newest.ordinal + 1, version), approval_id, use)
            await repository.add_rules(session, policies.approval_rules.values())
        return version

    async def _intent(
        self, session: ReadSession, version: str, contents: dict[str, str]
    ) -> tuple[Intent, Install]:
        """With the version that it would replace."""
        vendor = await find_tenant(session, VENDOR_ID)
        known = await repository.installs(session)
        if vendor is None or not known:
            raise Conflict("no policies are in force yet: start the portal first", code="NO_POLICIES")
        if any(each.version == version for each in known):
            raise Conflict("these policies are in force already", code="POLICIES_IN_FORCE")
        newest = known[-1]
        old = await repository.texts_of(session, newest.version)
        if old is None:
            raise NotFound("version of the policies")
        return policy_intent(vendor, newest.version, old, version, contents), newest
