"""Compliance evaluated, on schedule or because somebody asks, and read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.evidence.export import Export
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage
from trust_portal.trust.compliance import repository
from trust_portal.trust.compliance.attestation import derived_files
from trust_portal.trust.compliance.audits.repository import audited_at
from trust_portal.trust.compliance.audits.service import ReceiptAudits
from trust_portal.trust.compliance.document import evaluation_body, evaluation_of, inherited
from trust_portal.trust.compliance.downloads import WORDS
from trust_portal.trust.compliance.evaluating import judge_all
from trust_portal.trust.compliance.imports.repository import (
    assessments_changed_at,
    imports_changed_at,
    lock_assessments,
    newest_imports,
)
from trust_portal.trust.compliance.model import (
    DOCUMENT_FILE,
    KIND,
    NOUN,
    Catalogue,
    Evaluate,
    Evaluation,
    Source,
    Summary,
)
from trust_portal.trust.compliance.receipts import evaluated_act

SCHEDULED: Final = "Scheduled evaluation"
#: Asked for in one round of the clockwork; the next round asks for more.
_AT_A_TIME: Final = 200


class Compliance:
    """Every evaluation is one moment's reading, one document and one receipt in the tenant's log."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        access_log: AccessLog,
        audits: ReceiptAudits,
        catalogue: Catalogue,
        exports: Exports,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._audits = audits
        self._exports = exports
        self._rounds = Rounds(storage)
        self.catalogue = catalogue

    async def evaluate(self, command: Evaluate, actor: Actor) -> Evaluation:
        """Judge every control of the tenant now. A customer inherits the vendor's latest results as they stand."""
        decision = await self._may_evaluate(actor)
        evaluation = await self._evaluate(command, actor, decision, None)
        if evaluation is None:
            raise NotFound("tenant")
        return evaluation

    async def do_scheduled(self, tenant_id: UUID, row_id: UUID | None = None) -> None:
        """The clockwork's: an audit of the receipts where one is due, then the evaluation. ``row_id`` is the job.

        Where it fails the tenant is set back.
        """
        await self._rounds.one_by_one(
            Round.EVALUATE_COMPLIANCE, (tenant_id,), lambda each: self._do_scheduled(each, row_id)
        )

    async def _do_scheduled(self, tenant_id: UUID, row_id: UUID | None) -> None:
        decision = await self._may_evaluate(SYSTEM)
        now = self._storage.clock.now()
        async with self._storage.read(StaffScope()) as session:
            audited, newest = (
                await audited_at(session, tenant_id),
                await repository.newest_evaluation(session, tenant_id),
            )
            changed_at = await imports_changed_at(session)
        seen = newest is not None and (changed_at is None or newest.at >= changed_at)
        if newest is not None and seen and now - newest.at < self.catalogue.every:
            async with self._storage.write(TenantScope(tenant_id)) as writing:
                await writing.complete(row_id)
            return
        if audited is None or now - audited >= self.catalogue.every:
            await self._audits.run(tenant_id, SYSTEM)
        await self._evaluate(Evaluate(tenant_id, SCHEDULED), SYSTEM, decision, row_id)

    async def ask_for_due(self) -> int:
        """One round of the clockwork: jobs for whom an evaluation is due. The vendor's is made before those that
        inherit from it; where it is set back they inherit what was found last.
        """
        before = self._storage.clock.now() - self.catalogue.every
        async with self._storage.read(StaffScope()) as session:
            due = await repository.due_since(session, before, await imports_changed_at(session))
        await self._rounds.settle(Round.EVALUATE_COMPLIANCE, due)
        held = await self._rounds.held_back(Round.EVALUATE_COMPLIANCE)
        asked = [each for each in due if each not in held][:_AT_A_TIME]
        wanted = asked[:1] if asked[:1] == [VENDOR_ID] else asked
        await self._enqueue(wanted)
        return len(wanted)

    async def newest(self, actor: Actor, tenant_id: UUID) -> Evaluation | None:
        """The tenant's latest; the vendor's own is for staff."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.newest_evaluation(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, NOUN)
        return found

    async def assessed_at(self, actor: Actor, tenant_id: UUID) -> datetime | None:
        """When an assessment from elsewhere was last taken in or withdrawn, which the tenant's latest evaluation may
        not have seen; None: never.
        """
        await self._may_read(actor, tenant_id)
        # Everybody's evaluation counts them, and they are the vendor's rows.
        async with self._storage.read(StaffScope()) as session:
            return await assessments_changed_at(session)

    async def get(self, actor: Actor, tenant_id: UUID, evaluation_id: UUID) -> Evaluation:
        """``NotFound`` where the tenant has none of this id."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.find_evaluation(session, tenant_id, evaluation_id)
        await self._access_log.looked(actor, tenant_id, NOUN, str(evaluation_id))
        return found

    async def download(
        self, actor: Actor, tenant_id: UUID, evaluation_id: UUID, name: str | None = None
    ) -> dict[str, bytes]:
        """The document and what follows from it, by name: what a bundle holds too; of a ``name``, that file alone.

        Always leaves its line, except where it raises: ``NotFound`` for an evaluation or a file there is not.
        """
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.find_evaluation(session, tenant_id, evaluation_id)
        files = _files(found)
        if name is not None and name not in files:
            raise NotFound("file")
        await self._access_log.trace(
            actor, [tenant_id], Access(Verb.DOWNLOADED, name or NOUN, str(evaluation_id), "evidence")
        )
        return files if name is None else {name: files[name]}

    def files(self, evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
        """What can be taken along of an evaluation: name, and what it is in words."""
        return tuple((name, WORDS[name]) for name in WORDS if name in _files(evaluation))

    async def export(self, actor: Actor, tenant_id: UUID, evaluation_id: UUID) -> Export:
        """Ask for the signed bundle of an evaluation; asked again it is the same."""
        resource = Resource(NOUN, tenant_id, evaluation_id)
        await self._gate.require(actor, Action.EXPORT_REQUEST, resource)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            found = await repository.find_evaluation(session, tenant_id, evaluation_id)
            return await self._exports.request(
                session, kind=KIND, tenant_id=tenant_id, subject_id=found.id, revision=1, actor=actor
            )

    async def history(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[Evaluation]:
        """Every evaluation there was of the tenant, newest first."""
        await self._may_read(actor, tenant_id)
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await repository.evaluations_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, NOUN)
        return page

    async def standings(self, actor: Actor, request: PageRequest) -> Page[Summary]:
        """Customers by key, with the counts of their latest evaluations."""
        await self._gate.require(actor, Action.ALL_COMPLIANCE_READ, Resource.of_house(NOUN))
        async with self._storage.read(StaffScope()) as session:
            page = await repository.standings_page(session, request)
        shown = [each.tenant_id for each in page.items]
        await self._access_log.trace(actor, shown, Access(Verb.READ, NOUN))
        return page

    async def _evaluate(
        self, command: Evaluate, actor: Actor, decision: Decision, row_id: UUID | None
    ) -> Evaluation | None:
        """None where the job was done by another worker."""
        tenant_id, id_, receipt_id = command.tenant_id, new_id(), new_id()
        async with self._storage.write(TenantScope(VENDOR_ID)) as moment:
            # What is handed over is there by now, or of a later moment than the evaluation.
            await lock_assessments(moment, shared=True)
            now = moment.clock.now()
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            results = await judge_all(session, self.catalogue, tenant_id, now)
            house = None if tenant_id == VENDOR_ID else await repository.newest_evaluation(session, VENDOR_ID)
            source = None if house is None else await _source(session, house)
            imports = await newest_imports(session)
        if house is not None:
            results = (*results, *inherited(self.catalogue, house.results))
        document = canonical(
            evaluation_body(
                id_,
                {"id": str(tenant.id), "key": tenant.key, "name": tenant.name},
                now,
                self.catalogue,
                results,
                source=source,
                imports=imports,
            )
        )
        evaluation = evaluation_of(id_, tenant_id, now, document, sha256_hex(document), receipt_id)
        async with self._storage.write(TenantScope(tenant_id)) as writing:
            if not await writing.complete(row_id):
                return None
            act = evaluated_act(
                evaluation, actor, decision, catalogue=self.catalogue, source=source, reason=command.reason
            )
            await self._ledger.record(writing, act, receipt_id=receipt_id)
            await repository.add_evaluation(writing, evaluation)
        return evaluation

    async def _enqueue(self, tenant_ids: Collection[UUID]) -> None:
        if not tenant_ids:
            return
        async with self._storage.write(TenantScope(VENDOR_ID)) as session:
            for each in tenant_ids:
                await session.enqueue(
                    Job.EVALUATE_COMPLIANCE,
                    {"tenant_id": str(each)},
                    dedupe_key=f"{Job.EVALUATE_COMPLIANCE}:{each}",
                )

    async def _may_evaluate(self, actor: Actor) -> Decision:
        return await self._gate.require(actor, Action.COMPLIANCE_EVALUATE, Resource.of_house(NOUN))

    async def _may_read(self, actor: Actor, tenant_id: UUID) -> None:
        if tenant_id == VENDOR_ID:
            await self._gate.require(actor, Action.ALL_COMPLIANCE_READ, Resource.of_house(NOUN))
        else:
            await self._gate.require(actor, Action.COMPLIANCE_READ, Resource(NOUN, tenant_id))


def _files(evaluation: Evaluation) -> dict[str, bytes]:
    return {DOCUMENT_FILE: evaluation.document, **derived_files(parse_json(evaluation.document))}


async def _source(session: ReadSession, house: Evaluation) -> Source:
    digests = await receipt_digests(session, VENDOR_ID, house.receipt_id)
    return Source(house.id, house.receipt_id, digests[house.receipt_id])
