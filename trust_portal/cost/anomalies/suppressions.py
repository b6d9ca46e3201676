"""Suppressions: made with scope, reason and end, ended with a reason; each leaves a receipt."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.cost.anomalies import suppressions_repository as repository
from trust_portal.cost.anomalies.suppressions_model import CreateSuppression, EndSuppression, Suppression
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger, Receipt
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


class Suppressions:
    """Says what is to raise nothing for a while."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def create(self, command: CreateSuppression, actor: Actor) -> Suppression:
        """From the next close on it holds for what is found or goes on; what is over stays as it is."""
        resource = Resource("suppression", command.tenant_id)
        decision = await self._gate.require(actor, Action.SUPPRESSION_CREATE, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            now = session.clock.now()
            if command.ends_at <= now:
                raise InvalidInput("this suppression would be over already", field="ends_at")
            id_ = new_id()
            result: dict[str, Json] = {
                "suppression": str(id_),
                "scope": "every tenant" if command.tenant_id == VENDOR_ID else "tenant",
                "subsystem": command.subsystem,
                "starts_at": rfc3339(command.starts_at),
                "ends_at": rfc3339(command.ends_at),
            }
            receipt = await self._record(
                session, ReceiptKind.SUPPRESSION_CREATED, command, actor, decision, result
            )
            suppression = Suppression(
                id=id_,
                tenant_id=command.tenant_id,
                subsystem=command.subsystem,
                reason=command.reason,
                starts_at=command.starts_at,
                ends_at=command.ends_at,
                ended_at=None,
                end_reason=None,
                created_at=now,
                created_by=actor.name,
                ended_by=None,
                receipt_id=receipt.id,
                ended_receipt_id=None,
            )
            await repository.add_suppression(session, suppression, actor)
        return suppression

    async def end(self, command: EndSuppression, actor: Actor) -> Suppression:
        """End it now; what goes on in this hour or later is raised. ``Conflict`` for one that is over."""
        resource = Resource("suppression", command.tenant_id, command.suppression_id)
        decision = await self._gate.require(actor, Action.SUPPRESSION_END, resource)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            found = await repository.find_suppression(session, command.tenant_id, command.suppression_id)
            if found is None:
                raise NotFound("suppression")
            now = session.clock.now()
            if found.until <= now:
                raise Conflict("this suppression is over already")
            result: dict[str, Json] = {
                "suppression": str(found.id),
                "subsystem": found.subsystem,
                "ends_at": rfc3339(found.ends_at),
                "ended_at": rfc3339(now),
            }
            receipt = await self._record(
                session, ReceiptKind.SUPPRESSION_ENDED, command, actor, decision, result
            )
            ended = replace(
                found,
                ended_at=now,
                end_reason=command.reason,
                ended_by=actor.name,
                ended_receipt_id=receipt.id,
            )
            await repository.mark_ended(session, ended)
        return ended

    async def page(self, actor: Actor, tenant_id: UUID | None, request: PageRequest) -> Page[Suppression]:
        """Newest first; of one tenant, or for staff of all of them and of the vendor."""
        if tenant_id is None:
            await self._gate.require(actor, Action.ALL_COST_READ, Resource.of_house("suppression"))
        else:
            await self._gate.require(actor, Action.SUPPRESSION_READ, Resource("suppression", tenant_id))
        scope = StaffScope() if tenant_id is None else scope_of(actor, tenant_id)
        async with self._storage.read(scope) as session:
            page = await repository.suppressions_page(session, tenant_id, request)
        if actor.is_staff:
            tenants = [each.tenant_id for each in page.items]
            await self._access_log.trace(actor, tenants, Access(Verb.READ, "suppression", "", "detection"))
        return page

    async def _record(
        self,
        session: WriteSession,
        kind: ReceiptKind,
        command: CreateSuppression | EndSuppression,
        actor: Actor,
        decision: Decision,
        result: dict[str, Json],
    ) -> Receipt:
        return await self._ledger.record(
            session,
            Act(
                kind=kind,
                tenant_id=command.tenant_id,
                actor=actor,
                at=session.clock.now(),
                subjects=(Subject(f"suppression/{result['suppression']}", digest(result)),),
                predicate=result,
                policies=decision.policies,
                policy_version=decision.version,
                rationale=command.reason,
            ),
        )
