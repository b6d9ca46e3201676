"""The monthly run: plan every tenant, cover each by a job of its own, complete with a receipt.

Each step is one transaction that can be repeated, so a run survives the death of any worker at any
moment: planning enqueues a tenant's job together with its row, a job settles its row together with
the end of its outbox row, and completion is looked for after each tenant and by the clockwork.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.service import Tenants
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.period import FIRST_ZONE, parse_period
from trust_portal.reliability.contracts.in_force import length_of
from trust_portal.reliability.contracts.model import PeriodLength
from trust_portal.reliability.contracts.repository import anybody_promises
from trust_portal.reliability.reports.repository import tallies_of_everybody
from trust_portal.reliability.reports.service import Reports
from trust_portal.reliability.runs import repository
from trust_portal.reliability.runs.completion import Completion
from trust_portal.reliability.runs.covering import Covering
from trust_portal.reliability.runs.model import Progress, Run, RunState, RunTenant, StartRun
from trust_portal.reliability.runs.planning import Planning
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_VENDOR = TenantScope(VENDOR_ID)


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
        self._access_log = access_log
        self._rounds = Rounds(storage)
        self._planning = Planning(storage, tenants, grace)
        self._covering = Covering(storage, reports)
        self._completion = Completion(storage, ledger)

    async def start(self, command: StartRun, actor: Actor) -> Run:
        """Begin the period's run, or its next attempt once it is complete.

        A run that is under way is returned as it is, unless it is a scheduled one: whoever asks for
        it now does not wait for its grace. One whose planning was given up is planned again. Raises ``PERIOD_NOT_OVER`` while the period is
        not over anywhere; a tenant whose time zone is behind is covered as soon as it is there.
        """
        await self._gate.require(actor, Action.SLA_RUN_START, Resource.of_house("SLA run"))
        end = parse_period(command.period, FIRST_ZONE).end
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
            if first or run.state is RunState.PLANNING:
                # Planning that was given up freed its key; one that waits or works still holds it.
                await self._enqueue_plan(session, run.id, run.attempt)
            elif run.state is RunState.COMPLETE or _hurries(run, actor):
                await repository.change_run(
                    session,
                    run.id,
                    state=RunState.PLANNING.value,
                    attempt=run.attempt + 1,
                    total=None,
                    planned=None,
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
            reports = [each.report_id for each in tenants if each.report_id is not None]
            tallies = await tallies_of_everybody(session, reports) if run.state is RunState.COMPLETE else {}
        await self._trace(actor, tenants, period)
        return Progress(run, tenants, tallies)

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
        async for _ in self._planning.covered(period):
            return True
        return False

    async def plan(self, run_id: UUID, job: UUID | None = None) -> None:
        """Give every tenant its row and its job; ``job`` is the outbox row to complete."""
        await self._planning.plan(run_id, job)
        await self._completion.complete_if_done(run_id)

    async def cover(self, run_id: UUID, tenant_id: UUID, job: UUID | None = None) -> None:
        """One tenant's part of a run: issue its report, or name why not."""
        await self._covering.cover(run_id, tenant_id, job)
        await self._completion.complete_if_done(run_id)

    async def give_up(self, run_id: UUID, tenant_id: UUID, reason: str) -> None:
        """The tenant's job failed for good: its row says so, in words."""
        await self._covering.give_up(run_id, tenant_id, reason)
        await self._completion.complete_if_done(run_id)

    async def complete_if_done(self, run_id: UUID) -> bool:
        """Complete the run if nothing is pending, with a receipt that names who got no report and why."""
        return await self._completion.complete_if_done(run_id)

    async def complete_open(self) -> None:
        """Complete what a killed worker could not. For the clockwork."""
        async with self._storage.read(_VENDOR) as session:
            running = await repository.open_runs(session)
        ids = [run.id for run in running]
        await self._rounds.settle(Round.COMPLETE_SLA_RUNS, ids)
        await self._rounds.one_by_one(Round.COMPLETE_SLA_RUNS, ids, self._completion.complete_if_done)

    async def _trace(self, actor: Actor, tenants: Sequence[RunTenant], period: str) -> None:
        await self._access_log.trace(
            actor, [each.tenant_id for each in tenants], Access(Verb.READ, "SLA run", period)
        )

    async def _enqueue_plan(self, session: WriteSession, run_id: UUID, attempt: int) -> None:
        await session.enqueue(
            Job.PLAN_SLA_RUN, {"run_id": str(run_id)}, dedupe_key=f"{Job.PLAN_SLA_RUN}:{run_id}:{attempt}"
        )


def _hurries(run: Run, actor: Actor) -> bool:
    scheduled = run.state is RunState.RUNNING and run.requested_by_id == SYSTEM.id
    return scheduled and actor.id != SYSTEM.id
