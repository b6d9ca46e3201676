"""The batch: plan every tenant, publish each by a job of its own, complete with a receipt.

Each step is one transaction that can be repeated, so a batch survives the death of any worker at any moment:
planning enqueues a tenant's job together with its row, a job settles its row together with the report and the end
of its outbox row, and completion is looked for after each tenant and by the clockwork. What is stale or missing
blocks a tenant's report here too: a batch names it, and lets stand only what a person said of every customer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.service import Tenants
from trust_portal.errors import Conflict, InvalidInput, NotFound, Refused
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import MAX_PAGE, Page, PageRequest
from trust_portal.kernel.period import FIRST_ZONE, parse_period
from trust_portal.reliability.runs.model import RunState
from trust_portal.reliability.runs.repository import find_run
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession
from trust_portal.trust.batches import repository, waiting
from trust_portal.trust.batches.completion import BatchCompletion
from trust_portal.trust.batches.model import (
    NOUN,
    Batch,
    BatchOutcome,
    BatchProgress,
    BatchState,
    BatchTally,
    BatchTenant,
    StartTrustBatch,
)
from trust_portal.trust.gathering.model import labels_of
from trust_portal.trust.report.model import (
    Acknowledgement,
    PublishTrustReport,
    SectionsBlock,
    StoredTrustReport,
)
from trust_portal.trust.report.repository import trust_report_of_period
from trust_portal.trust.report.service import TrustReports

_VENDOR = TenantScope(VENDOR_ID)


class TrustBatches:
    """Starts, does and completes batches."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        tenants: Tenants,
        reports: TrustReports,
        access_log: AccessLog,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._tenants = tenants
        self._reports = reports
        self._access_log = access_log
        self._rounds = Rounds(storage)
        self._completion = BatchCompletion(storage, ledger)

    async def start(self, command: StartTrustBatch, actor: Actor) -> Batch:
        """Begin the period's batch, or its next attempt once it is complete; one under way is returned as it is.

        Raises ``Conflict``: PERIOD_NOT_OVER while the period is not over anywhere; BATCH_UNDER_WAY where one is that lets
        stand less than the command does. Where its planning was given up, the command's own attempt begins,
        unless it says the same: then that goes on.
        """
        await self._gate.require(actor, Action.TRUST_BATCH_START, Resource.of_house(NOUN))
        end = parse_period(command.period, FIRST_ZONE).end
        if self._storage.clock.now() < end:
            raise Conflict(
                f"{command.period} is not over yet anywhere; publish it after its end",
                field="period",
                code="PERIOD_NOT_OVER",
            )
        async with self._storage.write(_VENDOR) as session:
            first = await repository.add_batch(session, new_id(), command, actor)
            batch = await repository.find_batch(session, command.period, lock=True)
            assert batch is not None, "just added, and batches are never deleted"  # noqa: S101 - narrows the type
            said, stands = set(command.acknowledgements), set(batch.acknowledgements)
            is_more = not said <= stands
            if first or (batch.state is BatchState.PLANNING and said == stands):
                # Planning that was given up freed its key; one that waits or works still holds it.
                await _enqueue_plan(session, batch.id, batch.attempt)
            elif batch.state is BatchState.COMPLETE or await _is_given_up(session, batch):
                # On the word of who asks now: also where it lets stand less than that of who asked before.
                await _begin_again(session, batch, command, actor)
            elif is_more:
                raise Conflict(
                    f"a batch of {command.period} is under way, and lets stand other parts than these: start it again "
                    "once it is complete",
                    field="period",
                    code="BATCH_UNDER_WAY",
                )
            return await repository.get_batch(session, batch.id)

    async def progress(self, actor: Actor, period: str) -> BatchProgress:
        """A period's batch with every tenant; ``NotFound`` where none was started. For staff."""
        await self._gate.require(actor, Action.TRUST_BATCH_READ, Resource.of_house(NOUN))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            batch = await repository.find_batch(session, period)
            if batch is None:
                raise NotFound(NOUN)
            tenants = await repository.batch_tenants(session, batch.id)
        covered = [each.tenant_id for each in tenants]
        await self._access_log.trace(actor, covered, Access(Verb.READ, NOUN, period))
        return BatchProgress(batch, tenants)

    async def tally(self, actor: Actor, period: str) -> BatchTally:
        """How far a period's batch is, as often as anybody asks; ``NotFound`` where none was started. For staff."""
        await self._gate.require(actor, Action.TRUST_BATCH_READ, Resource.of_house(NOUN))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            return await _tally(session, period)

    async def listing(
        self, actor: Actor, period: str, request: PageRequest, outcome: BatchOutcome | None = None
    ) -> tuple[BatchTally, Page[BatchTenant]]:
        """``tally``, and a page of tenants: those that somebody has to look after first. For staff."""
        await self._gate.require(actor, Action.TRUST_BATCH_READ, Resource.of_house(NOUN))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tally = await _tally(session, period)
            page = await repository.tenants_page(session, tally.batch.id, request, outcome)
        shown = [each.tenant_id for each in page.items]
        await self._access_log.trace(actor, shown, Access(Verb.READ, NOUN, period))
        return tally, page

    async def newest(self, actor: Actor, limit: int = 12) -> tuple[Batch, ...]:
        """The latest batches, newest first; they name no tenant."""
        await self._gate.require(actor, Action.TRUST_BATCH_READ, Resource.of_house(NOUN))
        async with self._storage.read(_VENDOR) as session:
            return await repository.newest_batches(session, limit)

    async def is_due(self, period: str) -> bool:
        """Whether the clockwork has to start the period's batch: none was, and its SLA reports are all written.

        The last month has a run whenever there is somebody to report to; the quarter has one of its own, begun
        before that month's, only where a contract promises something by the quarter.
        """
        *_, last = [each for each in labels_of(period) if "Q" not in each]
        async with self._storage.read(_VENDOR) as session:
            if await repository.find_batch(session, period) is not None:
                return False
            monthly, own = await find_run(session, last), await find_run(session, period)
        under_way = [run for run in (monthly, own) if run is not None and run.state is not RunState.COMPLETE]
        return monthly is not None and not under_way

    async def plan(self, batch_id: UUID, job: UUID | None = None) -> None:
        """Give every tenant its row and its job; ``job`` is the outbox row to complete."""
        async with self._storage.read(_VENDOR) as session:
            batch = await repository.get_batch(session, batch_id)
        planned: list[UUID] = []
        async for tenant in self._covered(batch.period):
            await self._plan_tenant(batch, tenant)
            planned.append(tenant.id)
        async with self._storage.write(_VENDOR) as session:
            if await session.complete(job):
                current = await repository.get_batch(session, batch_id, lock=True)
                if current.state is BatchState.PLANNING and current.attempt == batch.attempt:
                    await repository.change_batch(
                        session, batch_id, state=BatchState.RUNNING.value, total=len(planned), planned=planned
                    )
        await self._completion.complete_if_done(batch_id)

    async def cover(self, batch_id: UUID, tenant_id: UUID, job: UUID | None = None) -> None:
        """One tenant's part of a batch: publish its report, or name why not."""
        async with self._storage.read(StaffScope()) as session:
            batch = await repository.get_batch(session, batch_id)
            standing = await trust_report_of_period(session, tenant_id, batch.period)
        found = _outcome(batch, standing) or await self._publish(batch, tenant_id, job)
        if found is not None:
            outcome, reason, report_id = found
            async with self._storage.write(TenantScope(tenant_id)) as session:
                if await session.complete(job):
                    await repository.settle_tenant(
                        session, tenant_id, batch_id, outcome, reason=reason, report_id=report_id
                    )
        await self._completion.complete_if_done(batch_id)

    async def give_up(self, batch_id: UUID, tenant_id: UUID, reason: str) -> None:
        """The tenant's job failed for good: its row says so, in words; but where its report was published all the same,
        that one says what became of it.
        """
        async with self._storage.read(StaffScope()) as session:
            batch = await repository.get_batch(session, batch_id)
        found = await self._published(batch, tenant_id)
        outcome, why, report_id = found or (BatchOutcome.FAILED, reason, None)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await repository.settle_tenant(
                session, tenant_id, batch_id, outcome, reason=why, report_id=report_id
            )
        await self._completion.complete_if_done(batch_id)

    async def complete_open(self) -> None:
        """Complete what a killed worker could not. For the clockwork."""
        async with self._storage.read(_VENDOR) as session:
            running = await repository.running_batches(session)
        ids = [batch.id for batch in running]
        await self._rounds.settle(Round.COMPLETE_TRUST_BATCHES, ids)
        await self._rounds.one_by_one(Round.COMPLETE_TRUST_BATCHES, ids, self._completion.complete_if_done)

    async def _publish(
        self, batch: Batch, tenant_id: UUID, job: UUID | None
    ) -> tuple[BatchOutcome, str | None, UUID | None] | None:
        """What is to be settled; None where the tenant's row was settled together with its report, or goes on waiting."""

        async def settled(session: WriteSession, report: StoredTrustReport) -> None:
            if not await session.complete(job):
                raise Conflict("another worker has covered this customer meanwhile", code="COVERED")
            await repository.settle_tenant(
                session, tenant_id, batch.id, BatchOutcome.PUBLISHED, report_id=report.id
            )

        try:
            command = PublishTrustReport(tenant_id, batch.period, standing=_for_all(batch))
            await self._reports.publish(command, SYSTEM, settled)
        except (Conflict, InvalidInput) as refusal:
            # Somebody else published it meanwhile: another worker, or a person.
            if (found := await self._published(batch, tenant_id)) is not None:
                return found
            if not isinstance(refusal, SectionsBlock):
                return BatchOutcome.FAILED, refusal.message, None
            if waiting.passes(refusal.sections) and await waiting.set_back(
                self._storage, batch, tenant_id, job
            ):
                return None
            return BatchOutcome.BLOCKED, refusal.message, None
        except Refused as refusal:
            return BatchOutcome.FAILED, refusal.message, None
        return None

    async def _published(
        self, batch: Batch, tenant_id: UUID
    ) -> tuple[BatchOutcome, str | None, UUID | None] | None:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            return _outcome(batch, await trust_report_of_period(session, tenant_id, batch.period))

    async def _covered(self, label: str) -> AsyncIterator[Tenant]:
        """Every customer that was served in the period and still is."""
        request = PageRequest(MAX_PAGE)
        while True:
            page = await self._tenants.page(SYSTEM, request, purpose=f"{NOUN} {label}")
            for tenant in page.items:
                if tenant.active and not tenant.came_after(label):
                    yield tenant
            if not page.has_next:
                return
            request = PageRequest(MAX_PAGE, after=page.cursors[-1])

    async def _plan_tenant(self, batch: Batch, tenant: Tenant) -> None:
        async with self._storage.write(TenantScope(tenant.id)) as session:
            planned = BatchTenant(
                batch_id=batch.id,
                tenant_id=tenant.id,
                tenant_key=tenant.key,
                tenant_name=tenant.name,
                attempt=batch.attempt,
                outcome=BatchOutcome.PENDING,
                reason=None,
                report_id=None,
                changed_at=session.clock.now(),
            )
            if await repository.plan_tenant(session, planned):
                await waiting.enqueue(session, batch, tenant, planned.changed_at)


def _outcome(
    batch: Batch, report: StoredTrustReport | None
) -> tuple[BatchOutcome, str | None, UUID | None] | None:
    """What stands for the period; it is this batch's own where a killed worker had come so far."""
    if report is None:
        return None
    own = report.published_by == SYSTEM.name and report.published_at >= batch.requested_at
    return (BatchOutcome.PUBLISHED if own else BatchOutcome.STANDING), None, report.id


def _for_all(batch: Batch) -> tuple[Acknowledgement, ...]:
    """As each report prints them: with who let it stand."""
    return tuple(
        replace(each, reason=f"{each.reason} (said of every customer by {batch.requested_by})")
        for each in batch.acknowledgements
    )


async def _tally(session: ReadSession, period: str) -> BatchTally:
    batch = await repository.find_batch(session, period)
    if batch is None:
        raise NotFound(NOUN)
    return BatchTally(
        batch,
        await repository.count_tenants(session, batch.id),
        await repository.count_bundles(session, batch.id),
    )


async def _begin_again(session: WriteSession, batch: Batch, command: StartTrustBatch, actor: Actor) -> None:
    """The next attempt: for whoever has no report yet, with what is let stand now, on the word of who asks now."""
    await repository.change_batch(
        session,
        batch.id,
        state=BatchState.PLANNING.value,
        attempt=batch.attempt + 1,
        total=None,
        planned=None,
        acknowledged=[each.json() for each in command.acknowledgements],
        requested_at=session.clock.now(),
        requested_by_id=actor.id,
        requested_by_name=actor.name,
        completed_at=None,
        counts=None,
    )
    await _enqueue_plan(session, batch.id, batch.attempt + 1)


async def _is_given_up(session: WriteSession, batch: Batch) -> bool:
    """Whether nobody plans it any more: the key of its planning is free."""
    return batch.state is BatchState.PLANNING and not await session.waits(_plan_key(batch.id, batch.attempt))


async def _enqueue_plan(session: WriteSession, batch_id: UUID, attempt: int) -> None:
    await session.enqueue(
        Job.PLAN_TRUST_BATCH, {"batch_id": str(batch_id)}, dedupe_key=_plan_key(batch_id, attempt)
    )


def _plan_key(batch_id: UUID, attempt: int) -> str:
    return f"{Job.PLAN_TRUST_BATCH}:{batch_id}:{attempt}"
