"""The monthly run: plan every tenant, cover each by a job of its own, complete with a receipt.

Each step is one transaction that can be repeated, so a run survives the death of any worker at any
moment: planning enqueues a tenant's job together with its row, a job settles its row together with
the end of its outbox row, and completion is looked for after each tenant and by the clockwork.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.service import Tenants
from trust_portal.errors import Conflict, NotFound, Refused
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import MAX_PAGE, PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.in_force import in_force, last_end, length_of
from trust_portal.reliability.contracts.model import PeriodLength
from trust_portal.reliability.contracts.repository import anybody_promises, contract_versions
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.service import IssueReport, Reports
from trust_portal.reliability.runs import repository
from trust_portal.reliability.runs.model import Outcome, Progress, Run, RunState, RunTenant, StartRun
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

log = logging.getLogger(__name__)

_VENDOR = TenantScope(VENDOR_ID)
#: Where a calendar day ends first.
_FIRST_ZONE = "Pacific/Kiritimati"
_OUTCOME_OF = {State.INCOMPLETE: Outcome.INCOMPLETE, State.DISPUTED: Outcome.DISPUTED}


class Runs:
    """Starts, does and completes runs; ``grace`` is how long a scheduled one waits for late data."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        tenants: Tenants,
        reports: Reports,
        access_log: AccessLog,
        grace: timedelta,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._tenants = tenants
        self._reports = reports
        self._access_log = access_log
        self._grace = grace

    async def start(self, command: StartRun, actor: Actor) -> Run:
        """Begin the period's run, or its next attempt once it is complete.

        A run that is under way is returned as it is, unless it is a scheduled one: whoever asks for
        it now does not wait for its grace. Raises ``PERIOD_NOT_OVER`` while the period is
        not over anywhere; a tenant whose time zone is behind is covered as soon as it is there.
        """
        await self._gate.require(actor, Action.SLA_RUN_START, Resource.of_house("SLA run"))
        end = parse_period(command.period, _FIRST_ZONE).end
        if self._storage.clock.now() < end:
            raise Conflict(
                f"{command.period} is not over yet anywhere; run it after its end",
                field="period",
                code="PERIOD_NOT_OVER",
            )
        async with self._storage.write(_VENDOR) as session:
            first = await repository.add_run(session, new_id(), command.period, actor)
            run = await repository.find_run(session, command.period, lock=True)
            assert run is not None, "just added, and runs are never deleted"  # noqa: S101 - narrows the type
            if first:
                await self._enqueue_plan(session, run.id, run.attempt)
            elif run.state is RunState.COMPLETE or _hurries(run, actor):
                await repository.change_run(
                    session,
                    run.id,
                    state=RunState.PLANNING.value,
                    attempt=run.attempt + 1,
                    total=None,
                    requested_at=session.clock.now(),
                    requested_by_id=actor.id,
                    requested_by_name=actor.name,
                    completed_at=None,
                    counts=None,
                )
                await self._enqueue_plan(session, run.id, run.attempt + 1)
            return await repository.get_run(session, run.id)

    async def progress(self, actor: Actor, period: str) -> Progress:
        """A period's run with every tenant; ``NotFound`` where none was started. For staff."""
        await self._gate.require(actor, Action.SLA_RUN_READ, Resource.of_house("SLA run"))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            run = await repository.find_run(session, period)
            if run is None:
                raise NotFound("run")
            tenants = await repository.run_tenants(session, run.id)
        await self._trace(actor, tenants, period)
        return Progress(run, tenants)

    async def newest(self, actor: Actor, limit: int = 12) -> tuple[Run, ...]:
        """The latest runs, newest first; they name no tenant."""
        await self._gate.require(actor, Action.SLA_RUN_READ, Resource.of_house("SLA run"))
        async with self._storage.read(_VENDOR) as session:
            return await repository.newest_runs(session, limit)

    async def is_due(self, period: str) -> bool:
        """Whether the clockwork has to start the period's run: there is none, and somebody to cover.

        A quarter is run only where a contract promises something by the quarter.
        """
        async with self._storage.read(StaffScope()) as session:
            if await repository.find_run(session, period) is not None:
                return False
            length = length_of(period)
            if length is PeriodLength.QUARTER and not await anybody_promises(session, length):
                return False
        async for _ in self._covered(period):
            return True
        return False

    async def plan(self, run_id: UUID, job: UUID | None = None) -> None:
        """Give every tenant its row and its job; ``job`` is the outbox row to complete."""
        async with self._storage.read(_VENDOR) as session:
            run = await repository.get_run(session, run_id)
        total = 0
        async for tenant in self._covered(run.period):
            await self._plan_tenant(run, tenant)
            total += 1
        async with self._storage.write(_VENDOR) as session:
            if not await session.complete(job):
                return
            current = await repository.get_run(session, run_id, lock=True)
            if current.state is RunState.PLANNING:
                await repository.change_run(session, run_id, state=RunState.RUNNING.value, total=total)
        await self.complete_if_done(run_id)

    async def cover(self, run_id: UUID, tenant_id: UUID, job: UUID | None = None) -> None:
        """One tenant's part of a run: issue its report, or name why not."""
        async with self._storage.read(_VENDOR) as session:
            run = await repository.get_run(session, run_id)
        outcome, values = await self._issue(run, tenant_id)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if await session.complete(job):
                await repository.settle_tenant(session, tenant_id, run_id, outcome, **values)
        await self.complete_if_done(run_id)

    async def give_up(self, run_id: UUID, tenant_id: UUID, reason: str) -> None:
        """The tenant's job failed for good: its row says so, in words."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await repository.settle_tenant(session, tenant_id, run_id, Outcome.FAILED, reason=reason)
        await self.complete_if_done(run_id)

    async def complete_if_done(self, run_id: UUID) -> bool:
        """Complete the run if nothing is pending, with a receipt that names who got no report and why."""
        async with self._storage.read(StaffScope()) as session:
            if await repository.pending(session, run_id):
                return False
        async with self._storage.write(_VENDOR) as session:
            run = await repository.get_run(session, run_id, lock=True)
            # Read again under the lock: no new attempt can begin between this look and the receipt.
            async with self._storage.read(StaffScope()) as reading:
                progress = Progress(run, await repository.run_tenants(reading, run_id))
            if run.state is not RunState.RUNNING or not progress.is_done:
                return False
            result = _result(progress)
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.SLA_RUN_COMPLETED,
                    tenant_id=VENDOR_ID,
                    actor=SYSTEM,
                    at=session.clock.now(),
                    subjects=(Subject(f"sla-run/{run.period}/{run.attempt}", digest(result)),),
                    predicate=result,
                ),
            )
            columns = repository.completion(session.clock.now(), receipt.id, progress.counts)
            await repository.change_run(session, run_id, **columns)
        log.info("run %s attempt %d is complete: %s", run.period, run.attempt, progress.counts)
        return True

    async def open_runs(self) -> tuple[Run, ...]:
        """Runs under way. For the clockwork, which completes what a killed worker could not."""
        async with self._storage.read(_VENDOR) as session:
            return await repository.open_runs(session)

    async def _trace(self, actor: Actor, tenants: Sequence[RunTenant], period: str) -> None:
        await self._access_log.trace(
            actor, [each.tenant_id for each in tenants], Access(Verb.READ, "SLA run", period)
        )

    async def _enqueue_plan(self, session: WriteSession, run_id: UUID, attempt: int) -> None:
        await session.enqueue(
            Job.PLAN_SLA_RUN, {"run_id": str(run_id)}, dedupe_key=f"{Job.PLAN_SLA_RUN}:{run_id}:{attempt}"
        )

    async def _covered(self, label: str) -> AsyncIterator[Tenant]:
        """Every customer that was served in the period, also one that has left since."""
        period = parse_period(label, "UTC")
        # Half a day either way: whether a tenant belongs to the period never hangs on a time zone.
        start, end = period.start - timedelta(hours=14), period.end + timedelta(hours=12)
        request = PageRequest(MAX_PAGE)
        while True:
            page = await self._tenants.page(SYSTEM, request, purpose=f"SLA run {label}")
            for tenant in page.items:
                left = tenant.offboarded_at is not None and tenant.offboarded_at <= start
                if tenant.onboarded_at < end and not left:
                    yield tenant
            if not page.has_next:
                return
            request = PageRequest(MAX_PAGE, after=page.cursors[-1])

    async def _plan_tenant(self, run: Run, tenant: Tenant) -> None:
        async with self._storage.write(TenantScope(tenant.id)) as session:
            versions = await contract_versions(session, tenant.id)
            contract = in_force([each.contract for each in versions], run.period)
            reason, due = None, session.clock.now()
            if contract is None:
                reason = f"no version of a contract is in force in {run.period}"
            elif not any(sla.period is length_of(run.period) for sla in contract.slas):
                reason = f"the contract promises nothing by the {length_of(run.period)}"
            else:
                due = last_end(contract, run.period)
                if run.requested_by_id == SYSTEM.id:
                    due += self._grace
            planned = RunTenant(
                run_id=run.id,
                tenant_id=tenant.id,
                tenant_key=tenant.key,
                tenant_name=tenant.name,
                attempt=run.attempt,
                outcome=Outcome.PENDING if reason is None else Outcome.NO_CONTRACT,
                reason=reason,
                report_id=None,
                revision=None,
                due_at=due,
                changed_at=session.clock.now(),
            )
            if await repository.plan_tenant(session, planned) and reason is None:
                await session.enqueue(
                    Job.ISSUE_SLA_REPORT,
                    {"run_id": str(run.id), "tenant_id": str(tenant.id)},
                    dedupe_key=f"{Job.ISSUE_SLA_REPORT}:{run.id}:{run.attempt}:{tenant.id}",
                    due_at=due,
                )

    async def _issue(self, run: Run, tenant_id: UUID) -> tuple[Outcome, dict[str, object]]:
        try:
            report = await self._reports.issue(IssueReport(tenant_id, run.period), SYSTEM)
        except Refused as refusal:
            if refusal.code == "REASON_REQUIRED":
                # Signed before, and the figures have changed since: that is a person's decision.
                signed = await self._reports.signed(tenant_id, run.period)
                if signed is not None:
                    return Outcome.ISSUED, {
                        "report_id": signed.id,
                        "revision": signed.revision,
                        "reason": refusal.message,
                    }
            return Outcome.FAILED, {"reason": refusal.message}
        if report.state is State.OK:
            return Outcome.ISSUED, {"report_id": report.id, "revision": report.revision, "reason": None}
        return _OUTCOME_OF[report.state], {"report_id": report.id, "reason": report.why}


def _hurries(run: Run, actor: Actor) -> bool:
    scheduled = run.state is RunState.RUNNING and run.requested_by_id == SYSTEM.id
    return scheduled and actor.id != SYSTEM.id


def _result(progress: Progress) -> dict[str, Json]:
    run = progress.run
    return {
        "period": run.period,
        "attempt": str(run.attempt),
        "tenants": str(run.total),
        "counts": {name: str(count) for name, count in progress.counts.items()},
        "not_issued": [
            {"tenant": each.tenant_key, "outcome": each.outcome.value, "reason": each.reason}
            for each in progress.not_issued
        ],
    }
