"""What other rooms need of dual control: to ask, to use an approval once, to take a request back."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals import repository
from trust_portal.access.approvals.decision import (
    ApprovalRefused,
    refuse_state,
    require_same_intent,
    require_standing,
    state_of,
)
from trust_portal.access.approvals.electorate import Electorate
from trust_portal.access.approvals.matching import can_be_filled, could_fill
from trust_portal.access.approvals.model import (
    NO_APPROVAL_RULE,
    NOUN,
    UNFULFILLABLE,
    Approval,
    ApprovalKind,
    ApprovalRequest,
    ApprovalState,
    Approver,
    AskApproval,
    Intent,
    StepAct,
    UsedApproval,
    person_behind,
)
from trust_portal.access.approvals.proof import require_proof, signatures_of
from trust_portal.access.approvals.receipts import decision_json, inputs_of, request_act
from trust_portal.access.approvals.recording import Overtaken, load, take_step, watch_deadline
from trust_portal.access.approvals.rules import Rule
from trust_portal.access.approvals.stages import ask_for_reminders
from trust_portal.access.approvals.telling import tell_asked
from trust_portal.access.gate import Gate
from trust_portal.access.passkeys.repository import passkeys_by_person, signature_rows
from trust_portal.access.people.model import Person
from trust_portal.access.policy import Resource
from trust_portal.errors import Broken, Conflict
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.names import require_words
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

T = TypeVar("T")


class Approvals:
    """``open`` where something is to be done that needs others' consent, ``use`` where it is done.

    Both take part in the caller's transaction: the request exists if and only if the caller's act
    does, and an approval is spent if and only if what it was for was done.
    """

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger

    def rule(self, kind: ApprovalKind) -> Rule:
        """The rule in force. ``ApprovalRefused`` where there is none or it names nobody: that allows nothing."""
        rule = self._gate.policies.approval_rules.get(kind)
        if rule is None or not rule.approvers:
            raise ApprovalRefused(f"no rule says who may approve: {kind.value}", code=NO_APPROVAL_RULE)
        return rule

    async def who_could(self, kind: ApprovalKind, tenant_id: UUID) -> Electorate:
        """Everybody who may decide on such requests about a tenant now, whoever asks, with their passkeys.

        Read in transactions of its own, so call it before yours begins.
        """
        version, now = self._gate.policies.version, self._storage.clock.now()
        able = self.allowed(await self.holders(self.rule(kind).approvers), tenant_id)
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            passkeys = await passkeys_by_person(session, VENDOR_ID, [each.person_id for each in able])
        people = tuple(replace(each, passkeys=passkeys.get(each.person_id, ())) for each in able)
        return Electorate(kind, tenant_id, version, now, people)

    def nobody(self, kind: ApprovalKind, tenant_id: UUID) -> Electorate:
        """Where no rule says who, and something has to go on all the same: an approval can neither be had nor used."""
        return Electorate(kind, tenant_id, self._gate.policies.version, self._storage.clock.now(), ())

    async def holders(self, roles: Collection[Role]) -> tuple[Approver, ...]:
        """Active people of the vendor who hold one of ``roles`` now, by name."""
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            return await repository.approvers(session, roles, self._storage.clock.now())

    def allowed(self, people: Collection[Approver], tenant_id: UUID) -> tuple[Approver, ...]:
        """Those of them whom the policies let decide on requests about a tenant."""
        resource = Resource(NOUN, tenant_id)
        return tuple(
            each for each in people if self._gate.allows(_as_actor(each), Action.APPROVAL_DECIDE, resource)
        )

    async def open(
        self, session: WriteSession, ask: AskApproval, actor: Actor, electorate: Electorate
    ) -> ApprovalRequest:
        """Ask, in the caller's transaction. ``electorate`` is what ``who_could`` gave before it.

        Raises ``Conflict``: ``NO_APPROVAL_RULE``, or ``UNFULFILLABLE`` where not every place could be
        filled by another person who is not the requester; and ``Electorate.of``'s where it is another's.
        """
        asking = ask.concerns or actor
        requester = person_behind(asking)
        candidates = self.require_fulfillable(
            ask.kind, _tenant_of(session, ask.tenant_id), requester, electorate
        )
        rule = self.rule(ask.kind)
        now = session.clock.now()
        request = ApprovalRequest(
            id=new_id(),
            tenant_id=ask.tenant_id,
            intent=ask.intent,
            subject=ask.subject,
            rule_id=rule.id,
            policy_version=self._gate.policies.version,
            roles=rule.approvers,
            requester_id=requester,
            requester_kind=asking.kind,
            requester_name=asking.name,
            reason=ask.reason,
            nonce=secrets.token_hex(32),
            requested_at=now,
            expires_at=now + rule.decide_within,
            use_seconds=rule.use_within // timedelta(seconds=1),
            receipt_id=new_id(),
        )
        await self._ledger.record(session, request_act(request, actor), receipt_id=request.receipt_id)
        await repository.add_request(session, request)
        await watch_deadline(session, Approval(request))
        await tell_asked(session, request, candidates.values())
        await ask_for_reminders(session, request)
        return request

    def require_fulfillable(
        self, kind: ApprovalKind, tenant_id: UUID, requester_id: UUID, electorate: Electorate
    ) -> Mapping[int, tuple[Approver, ...]]:
        """By place, who could fill it. Raises as ``open`` does."""
        rule = self.rule(kind)
        people = self._people(electorate, kind, tenant_id)
        candidates = could_fill(rule.approvers, people, requester_id)
        if not can_be_filled(candidates):
            names = ", ".join(role.value for role in rule.approvers)
            raise Conflict(
                f"nobody could approve this: it takes different people, without you, who are {names}",
                code=UNFULFILLABLE,
            )
        return candidates

    async def use(
        self,
        session: WriteSession,
        request_id: UUID,
        intent: Intent,
        actor: Actor,
        electorate: Electorate,
    ) -> UsedApproval:
        """Spend an approval, in the transaction of the act it was given for.

        ``intent`` is made anew from what is about to be done; ``electorate`` is what ``who_could`` gives
        now, and ``Electorate.of`` raises where it is another's. Raises ``NotFound``, or ``ApprovalRefused``: ``INTENT_CHANGED``, ``RULE_CHANGED``, ``APPROVER_LEFT``,
        ``SIGNATURE_UNPROVEN``, ``PASSKEY_REVOKED``, ``APPROVAL_PENDING``, ``_DENIED``, ``_EXPIRED``, ``_USED``,
        ``_WITHDRAWN`` or ``_VOID``. After any of them the caller must not commit.
        """
        tenant_id = _tenant_of(session)
        approval = await load(session, tenant_id, request_id)
        state = state_of(approval, session.clock.now())
        if state is not ApprovalState.APPROVED:
            raise refuse_state(state)
        rule = await self._require_given(session, approval, intent, electorate)
        try:
            used = await take_step(
                session,
                self._ledger,
                approval,
                StepAct.USE,
                actor,
                policies=(rule.id,),
                policy_version=self._gate.policies.version,
            )
        except Overtaken as overtaken:
            now = await load(session, tenant_id, request_id)
            raise refuse_state(state_of(now, session.clock.now())) from overtaken
        receipts = (used.request.receipt_id, *(each.receipt_id for each in used.steps))
        digests = await receipt_digests(session, tenant_id, *receipts)
        return UsedApproval(
            approval=used,
            inputs=inputs_of({id_: digests[id_] for id_ in receipts}),
            result={"approval": str(request_id), **decision_json(used)},
        )

    async def settle(
        self, tenant_id: UUID, request_id: UUID, act: Callable[[], Awaitable[T]], unable: str
    ) -> T | None:
        """For a job: do what was approved. Nothing happens to a request in any other state, so it may be repeated.

        ``act`` uses the approval in a transaction of its own, and raises ``ApprovalRefused`` where it does not
        carry the act any more (``no_longer_stands``). Then the request is void and whoever asked is told why;
        ``unable`` begins that reason: "It cannot be set". Who asks and acts in another way: docs/access.md.
        """
        async with self._storage.read(TenantScope(tenant_id)) as reading:
            approval = await load(reading, tenant_id, request_id)
        if state_of(approval, self._storage.clock.now()) is not ApprovalState.APPROVED:
            return None
        try:
            return await act()
        except ApprovalRefused as refusal:
            async with self._storage.write(TenantScope(tenant_id)) as session:
                await self.void(session, request_id, f"{unable}: {refusal.message}.", SYSTEM)
            return None

    async def void(self, session: WriteSession, request_id: UUID, reason: str, actor: Actor) -> bool:
        """What was asked for no longer stands: nobody shall decide on it. In the caller's transaction.

        False if the request had ended already.
        """
        approval = await load(session, _tenant_of(session), request_id)
        if not state_of(approval, session.clock.now()).live:
            return False
        try:
            await take_step(
                session,
                self._ledger,
                approval,
                StepAct.VOID,
                actor,
                policies=(approval.request.rule_id,),
                policy_version=approval.request.policy_version,
                reason=require_words(reason, "reason"),
            )
        except Overtaken as overtaken:
            raise Conflict("somebody decided on this at the same moment; try again") from overtaken
        return True

    async def still_given(self, tenant_id: UUID, request_id: UUID, intent: Intent) -> bool:
        """Whether an approval that was used is good for ``intent`` as of now, by all that ``use`` asks.

        For whoever finds it used, as a row, and is about to send something on that. Read in transactions
        of its own. Raises ``NotFound``.
        """
        try:
            electorate = await self.who_could(intent.kind, tenant_id)
            async with self._storage.read(TenantScope(tenant_id)) as session:
                approval = await load(session, tenant_id, request_id)
                await self._require_given(session, approval, intent, electorate)
        except ApprovalRefused:
            return False
        return approval.end is not None and approval.end.act is StepAct.USE

    async def _require_given(
        self, session: ReadSession, approval: Approval, intent: Intent, electorate: Electorate
    ) -> Rule:
        """For this, under the rule in force, by people who still may, each proven by their signature."""
        require_same_intent(approval, intent.digest)
        rule = self.require_same_rule(approval)
        approvers = self._people(electorate, approval.request.kind, approval.request.tenant_id)
        require_standing(approval, approvers)
        rows = await signature_rows(session, approval.request.tenant_id, signatures_of([approval]))
        require_proof(approval, approvers, rows)
        return rule

    def _people(self, electorate: Electorate, kind: ApprovalKind, tenant_id: UUID) -> tuple[Approver, ...]:
        return electorate.of(kind, tenant_id, self._gate.policies.version, self._storage.clock.now())

    def require_same_rule(self, approval: Approval) -> Rule:
        """What was asked for under other approvers than the rule has now is asked for again.

        So is what was approved before approvals were signed, and not used since.
        """
        rule = self.rule(approval.request.kind)
        if any(each.signature_id is None for each in approval.approvals):
            raise ApprovalRefused(
                "this was approved without a passkey, which counts no more; ask again", code="RULE_CHANGED"
            )
        if rule.approvers != approval.request.roles:
            raise ApprovalRefused(
                "the rule names other approvers since this was asked for; ask again", code="RULE_CHANGED"
            )
        return rule


def _tenant_of(session: WriteSession, asked: UUID | None = None) -> UUID:
    """The tenant whose transaction it is; the one ``asked`` about, where one is."""
    if not isinstance(session.scope, TenantScope) or asked not in {None, session.scope.tenant_id}:
        raise Broken("an approval belongs to one tenant's transaction", code="WRONG_SCOPE")
    return session.scope.tenant_id


def _as_actor(approver: Approver) -> Actor:
    return Person(
        id=approver.person_id,
        tenant_id=VENDOR_ID,
        email="",
        name=approver.name,
        active=True,
        roles=frozenset(approver.roles),
    ).as_actor()
