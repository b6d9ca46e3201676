"""Exclusions after the fact: proposed by one, approved by two others, and only then calculated with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.approvals.decision import state_of
from trust_portal.access.approvals.electorate import Electorate
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalState,
    AskApproval,
    UsedApproval,
    person_behind,
)
from trust_portal.access.approvals.receipts import decision_json
from trust_portal.access.approvals.recording import load
from trust_portal.access.approvals.service import Approvals
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.act import Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json, canonical, sha256_hex
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.attainment.model import Exclusion
from trust_portal.reliability.exclusions import repository
from trust_portal.reliability.exclusions.expected import expected
from trust_portal.reliability.exclusions.intent import exclusion_intent, proposal_body
from trust_portal.reliability.exclusions.model import (
    NOUN,
    ExclusionState,
    Passage,
    ProposeExclusion,
    RevokeExclusion,
    StoredExclusion,
)
from trust_portal.reliability.exclusions.receipts import inputs_of, state_act
from trust_portal.reliability.objectives.service import Objectives
from trust_portal.reliability.reports.inputs import read_inputs
from trust_portal.reliability.reports.repository import find_report, heads
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

#: What a request that ended unused makes of its exclusion.
_BECOMES: Final = {
    ApprovalState.DENIED: ExclusionState.DENIED,
    ApprovalState.EXPIRED: ExclusionState.EXPIRED,
    ApprovalState.WITHDRAWN: ExclusionState.WITHDRAWN,
    ApprovalState.VOID: ExclusionState.WITHDRAWN,
}
#: From which on, and from which no more, it is calculated with.
_CHANGES_FIGURES: Final = {ExclusionState.APPROVED, ExclusionState.REVOKED}
_WORDS: Final = {
    ExclusionState.APPROVED: "Everybody who must has approved it.",
    ExclusionState.DENIED: "An approver denied it.",
    ExclusionState.EXPIRED: "The time to approve it is over.",
    ExclusionState.WITHDRAWN: "Whoever asked for it took it back.",
}


class Exclusions:
    """Minutes are taken out of a promise after they happened by two approvals, or not at all."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        approvals: Approvals,
        objectives: Objectives,
        access_log: AccessLog,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._approvals = approvals
        self._objectives = objectives
        self._access_log = access_log

    async def propose(self, command: ProposeExclusion, actor: Actor) -> StoredExclusion:
        """Ask two others. Raises ``InvalidInput`` by field, and ``Conflict``: NOT_OVER for what can still be
        announced, ALREADY_PROPOSED, UNFULFILLABLE, NO_APPROVAL_RULE.
        """
        tenant_id = command.tenant_id
        decision = await self._gate.require(actor, Action.EXCLUSION_PROPOSE, Resource(NOUN, tenant_id))
        electorate = await self._approvals.who_could(ApprovalKind.EXCLUSION, tenant_id)
        async with self._storage.read(TenantScope(tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("tenant")
        await self._know(tenant_id, command.objectives)
        now = self._storage.clock.now()
        if command.end > now:
            raise Conflict(
                "it is not over; announce it as maintenance, by which notice is judged",
                code="NOT_OVER",
                field="end",
            )
        exclusion_id, receipt_id = new_id(), new_id()
        proposed = Passage(
            1, ExclusionState.PROPOSED, now, person_behind(actor), actor.name, command.reason, receipt_id
        )
        draft = StoredExclusion(
            id=exclusion_id,
            tenant_id=tenant_id,
            start=command.start,
            end=command.end,
            objectives=command.objectives,
            reason=command.reason,
            evidence=command.evidence,
            proposer_id=person_behind(actor),
            proposer=actor.name,
            request_id=new_id(),
            sha256="",
            proposed_at=now,
            history=(proposed,),
        )
        would = await self._expected(tenant_id, draft.as_exclusion(), now)
        document = canonical(proposal_body(tenant, draft.as_exclusion(), command.evidence, would))
        sha256 = sha256_hex(document)
        intent = exclusion_intent(json.loads(document), sha256)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            touching = await repository.exclusions_touching(session, tenant_id, command.start, command.end)
            _refuse_same(draft, touching)
            ask = AskApproval(tenant_id, intent, command.reason, draft.window)
            request = await self._approvals.open(session, ask, actor, electorate)
            exclusion = replace(draft, request_id=request.id, sha256=sha256)
            act = state_act(
                exclusion,
                proposed,
                actor,
                policies=decision.policies,
                policy_version=decision.version,
                inputs=inputs_of(await receipt_digests(session, tenant_id, request.receipt_id)),
                further={"intent": request.digest},
            )
            await self._ledger.record(session, act, receipt_id=receipt_id)
            await repository.add_exclusion(session, exclusion, document)
        return exclusion

    async def approval_settled(self, tenant_id: UUID, request_id: UUID) -> None:
        """Put on record what the approval came to, and spend it. Again it changes nothing.

        One that cannot be used any more (the rule changed or is gone, an approver left) is void, and the
        exclusion is as if it were withdrawn: it can be proposed again.
        """
        await self._approvals.settle(
            tenant_id, request_id, lambda: self._approve(tenant_id, request_id), "It cannot be excluded"
        )
        await self._end(tenant_id, request_id)

    async def _approve(self, tenant_id: UUID, request_id: UUID) -> None:
        electorate = await self._approvals.who_could(ApprovalKind.EXCLUSION, tenant_id)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            exclusion = await repository.find_exclusion_of_request(session, tenant_id, request_id)
            if exclusion is not None and exclusion.state is ExclusionState.PROPOSED:
                await self._approved(session, exclusion, electorate)

    async def _end(self, tenant_id: UUID, request_id: UUID) -> None:
        """Where its request is over and was not used."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            exclusion = await repository.find_exclusion_of_request(session, tenant_id, request_id)
            if exclusion is None or exclusion.state is not ExclusionState.PROPOSED:
                return
            approval = await load(session, tenant_id, request_id)
            state = _BECOMES.get(state_of(approval, session.clock.now()))
            if state is None:
                return
            ids = (approval.request.receipt_id, *(each.receipt_id for each in approval.steps))
            await self._reach(
                session,
                exclusion,
                state,
                SYSTEM,
                policies=(approval.request.rule_id,),
                policy_version=approval.request.policy_version,
                reason=_why(approval, state),
                inputs=inputs_of(await receipt_digests(session, tenant_id, *ids)),
                further=decision_json(approval),
            )

    async def revoke(self, command: RevokeExclusion, actor: Actor) -> StoredExclusion:
        """It counts no more in what is calculated from now on. ``Conflict`` (NOT_IN_FORCE) for one that does not."""
        resource = Resource(NOUN, command.tenant_id, command.exclusion_id)
        decision = await self._gate.require(actor, Action.EXCLUSION_REVOKE, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            exclusion = await repository.find_exclusion(session, command.tenant_id, command.exclusion_id)
            if exclusion.state is not ExclusionState.APPROVED:
                raise Conflict(f"this exclusion is {exclusion.state.value}", code="NOT_IN_FORCE")
            return await self._reach(
                session,
                exclusion,
                ExclusionState.REVOKED,
                actor,
                policies=decision.policies,
                policy_version=decision.version,
                reason=command.reason,
            )

    async def page(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[StoredExclusion]:
        """A tenant's exclusions after the fact, newest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await repository.exclusions_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="reliability")
        return page

    async def get(self, actor: Actor, tenant_id: UUID, exclusion_id: UUID) -> StoredExclusion:
        """One exclusion; ``NotFound`` if the tenant has no such one."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.find_exclusion(session, tenant_id, exclusion_id)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="reliability")
        return found

    async def proposal(self, actor: Actor, exclusion: StoredExclusion) -> bytes:
        """The proposal's RFC 8785 bytes, whose digest its receipts sign."""
        await self._may_read(actor, exclusion.tenant_id)
        async with self._storage.read(scope_of(actor, exclusion.tenant_id)) as session:
            document = await repository.find_document(session, exclusion.tenant_id, exclusion.id)
        await self._looked(actor, exclusion, "exclusion proposal", exclusion.id)
        return document

    async def source(self, actor: Actor, tenant_id: UUID, exclusion_id: UUID) -> bytes:
        """``proposal``, to be taken along. Always leaves its line; ``NotFound`` if the tenant has no such one."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.find_exclusion(session, tenant_id, exclusion_id)
            content = await repository.find_document(session, tenant_id, found.id)
        await self._access_log.fetched(actor, tenant_id, NOUN, str(exclusion_id), "reliability")
        return content

    async def approval(self, actor: Actor, exclusion: StoredExclusion) -> Approval:
        """What was asked of the approvers, and what they did."""
        await self._may_read(actor, exclusion.tenant_id)
        async with self._storage.read(scope_of(actor, exclusion.tenant_id)) as session:
            approval = await load(session, exclusion.tenant_id, exclusion.request_id)
        await self._looked(actor, exclusion, "approval request", exclusion.request_id)
        return approval

    async def _looked(self, actor: Actor, exclusion: StoredExclusion, what: str, id_: UUID) -> None:
        await self._access_log.looked(actor, exclusion.tenant_id, what, str(id_), "reliability")

    async def _approved(
        self, session: WriteSession, exclusion: StoredExclusion, electorate: Electorate
    ) -> None:
        document = await repository.find_document(session, exclusion.tenant_id, exclusion.id)
        intent = exclusion_intent(json.loads(document), sha256_hex(document))
        used = await self._approvals.use(session, exclusion.request_id, intent, SYSTEM, electorate)
        request = used.approval.request
        await self._reach(
            session,
            exclusion,
            ExclusionState.APPROVED,
            SYSTEM,
            policies=(request.rule_id,),
            policy_version=request.policy_version,
            reason=_WORDS[ExclusionState.APPROVED],
            inputs=used.inputs,
            further=used.result,
            used=used,
        )

    async def _reach(
        self,
        session: WriteSession,
        exclusion: StoredExclusion,
        state: ExclusionState,
        actor: Actor,
        *,
        policies: tuple[str, ...],
        policy_version: str | None,
        reason: str,
        inputs: tuple[Input, ...] = (),
        further: Mapping[str, Json] | None = None,
        used: UsedApproval | None = None,
    ) -> StoredExclusion:
        """The next state with its receipt, which rests on that of the state before and on ``inputs``."""
        before, tenant_id = exclusion.last, exclusion.tenant_id
        passage = Passage(
            before.ordinal + 1,
            state,
            session.clock.now(),
            person_behind(actor),
            actor.name,
            reason,
            new_id(),
        )
        rests_on = inputs_of(await receipt_digests(session, tenant_id, before.receipt_id))
        act = state_act(
            exclusion,
            passage,
            actor,
            policies=policies,
            policy_version=policy_version,
            inputs=(*rests_on, *inputs),
            further=further or {},
        )
        await self._ledger.record(session, act, receipt_id=passage.receipt_id)
        await repository.add_passage(session, exclusion, before, passage, used)
        if state in _CHANGES_FIGURES:
            await self._have_compared(session, exclusion)
        return replace(exclusion, history=(*exclusion.history, passage))

    async def _have_compared(self, session: WriteSession, exclusion: StoredExclusion) -> None:
        """The signed periods that the window touches may not follow from what holds any more."""
        for head in await heads(session, exclusion.tenant_id):
            if head.signed_id is None or head.period_start >= exclusion.end:
                continue
            report = await find_report(session, exclusion.tenant_id, head.signed_id)
            if report.period_end > exclusion.start:
                await session.enqueue(
                    Job.COMPARE_SIGNED_REPORT,
                    {"tenant": str(exclusion.tenant_id), "period": head.period},
                )

    async def _expected(self, tenant_id: UUID, exclusion: Exclusion, now: datetime) -> list[dict[str, Json]]:
        """What each signed period that the window touches would come to."""
        async with self._storage.read(TenantScope(tenant_id)) as session:
            signed = [
                await find_report(session, tenant_id, head.signed_id)
                for head in await heads(session, tenant_id)
                if head.signed_id is not None and head.period_start < exclusion.end
            ]
        found = []
        for report in signed:
            if report.period_end > exclusion.start:
                inputs = await read_inputs(self._storage, tenant_id, report.period, now)
                found.append(await asyncio.to_thread(expected, inputs, report.period, exclusion))
        return found

    async def _know(self, tenant_id: UUID, objectives: tuple[str, ...] | None) -> None:
        known = await self._objectives.known(tenant_id)
        if strange := [each for each in objectives or () if each not in known]:
            names = ", ".join(known) or "none"
            raise InvalidInput(
                f"there is no objective {strange[0]!r}; there are: {names}", field="objectives"
            )

    async def _may_read(self, actor: Actor, tenant_id: UUID) -> None:
        await self._gate.require(actor, Action.EXCLUSION_READ, Resource(NOUN, tenant_id))


def _refuse_same(draft: StoredExclusion, others: tuple[StoredExclusion, ...]) -> None:
    """The very same window again, while the other waits or counts, would be decided twice."""
    for other in others:
        same = (other.start, other.end, other.objectives) == (draft.start, draft.end, draft.objectives)
        if same and other.state in {ExclusionState.PROPOSED, ExclusionState.APPROVED}:
            raise Conflict(
                f"this very window is {other.state.value} already", code="ALREADY_PROPOSED", field="start"
            )


def _why(approval: Approval, state: ExclusionState) -> str:
    """In whose words it ended, where somebody gave a reason."""
    given = None if approval.end is None else approval.end.reason
    return given or _WORDS[state]
