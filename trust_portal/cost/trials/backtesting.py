"""A detector is tried on the stored history beside the live one; what it came to is kept, with a receipt.

    asked ─ whose history ─▶ planned ─ tenant by tenant ─▶ done: the sums, with their receipt
                                                        └▶ failed, and says why

Each arrow is one transaction that can be repeated, a tenant's part is written once, and completion
goes with the end of the outbox row: a back-test survives the death of any worker at any moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.flags_model import FlagBook
from trust_portal.cost.anomalies.flags_repository import flag_revisions
from trust_portal.cost.anomalies.model import Lane
from trust_portal.cost.anomalies.replaying import read_history
from trust_portal.cost.anomalies.watching import HOUR
from trust_portal.cost.detection.versions import version_named
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.trials import runs_repository as rows
from trust_portal.cost.trials.model import MOST_TENANTS, BackTest, BackTestRun, RunBackTest, RunState
from trust_portal.cost.trials.portion import portion, rests_on, together
from trust_portal.cost.trials.repository import (
    add_back_test,
    busiest_tenants,
    finds,
    get_back_test,
    has_usage,
    newest_back_tests,
)
from trust_portal.errors import Broken, InvalidInput, NotFound, Refused
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

_SHOWN = 20


class BackTesting:
    """Asks for back-tests of detectors, makes them, and finds them again."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def ask(self, command: RunBackTest, actor: Actor) -> BackTestRun:
        """Both detectors begin without memory, and see the same hours, and the thresholds of now.

        The same that is under way already is returned as it is. ``InvalidInput`` where there is no
        history, or the detector is the live one.
        """
        tenant_id, tried = command.tenant_id, version_named(command.detector)
        decision = await self._gate.require(
            actor, Action.DETECTOR_FLAG_SET, Resource.of_house("detector", command.detector)
        )
        now = self._storage.clock.now()
        end = hour_of(now) - HOUR
        start = end - timedelta(weeks=command.weeks)
        everybody = tenant_id == VENDOR_ID
        async with self._storage.read(StaffScope()) as session:
            book = FlagBook(await flag_revisions(session, [tenant_id, VENDOR_ID]))
            live = book.detectors(tenant_id).live
            if live == tried:
                raise InvalidInput("this detector is live here already", field="detector")
            if not await has_usage(session, None if everybody else tenant_id, start, end):
                raise InvalidInput("there is no usage in that time to try it on", field="weeks")
        run = BackTestRun(
            id=new_id(),
            tenant_id=tenant_id,
            detector=str(tried.detector),
            live=str(live.detector),
            weeks=command.weeks,
            start=start + HOUR,
            end=end + HOUR,
            asked_at=now,
            asked_by=actor,
            policies=decision.policies,
            policy_version=decision.version,
        )
        async with self._storage.write(TenantScope(tenant_id)) as session:
            while not await rows.add_run(session, run):
                if known := await rows.find_running(session, run):
                    return known
            await session.enqueue(
                Job.BACK_TEST_DETECTOR,
                {"tenant": str(tenant_id), "run": str(run.id)},
                dedupe_key=f"back-test {run.id}",
            )
        return run

    async def run(self, command: RunBackTest, actor: Actor) -> BackTest:
        """``ask``, and stay until it is done. A worker that takes it up meanwhile does nothing twice."""
        asked = await self.ask(command, actor)
        await self.work(asked.tenant_id, asked.id)
        async with self._storage.read(StaffScope()) as session:
            run = await rows.get_run(session, asked.tenant_id, asked.id)
            if run.failure is not None:
                raise Refused(run.failure, code="BACK_TEST_FAILED")
            return await get_back_test(session, asked.tenant_id, asked.id)

    async def work(self, tenant_id: UUID, run_id: UUID, job: UUID | None = None) -> None:
        """Carry one to its end, from where whoever worked on it before has left it; ``job`` is the outbox row."""
        run = await self._planned(tenant_id, run_id)
        for each in run.planned or () if run.is_running else ():
            await self._replay(run, each)
        await self._complete(run, job)

    async def fail(self, tenant_id: UUID, run_id: UUID, reason: str) -> None:
        """End one that is not over, for a reason people can read. It may be asked for again."""
        async with self._storage.write(TenantScope(tenant_id)) as session:
            run = await rows.get_run(session, tenant_id, run_id, lock=True)
            if run.is_running:
                now = session.clock.now()
                await rows.change_run(
                    session, run, state=RunState.FAILED.value, failure=reason, finished_at=now
                )

    async def newest(self, actor: Actor, tenant_id: UUID) -> tuple[BackTest, ...]:
        """The latest of a tenant, or at the vendor of all tenants together; newest first."""
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("back-tests", tenant_id))
        async with self._storage.read(StaffScope()) as session:
            found = await newest_back_tests(session, tenant_id, _SHOWN)
        await self._access_log.looked(actor, tenant_id, "back-tests", purpose="detection")
        return found

    async def unfinished(self, actor: Actor, tenant_id: UUID) -> tuple[BackTestRun, ...]:
        """Those that are under way or failed, newest first."""
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("back-tests", tenant_id))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            found = await rows.unfinished_runs(session, tenant_id, _SHOWN)
        await self._access_log.looked(actor, tenant_id, "back-tests", purpose="detection")
        return found

    async def get(self, actor: Actor, tenant_id: UUID, id_: UUID) -> BackTest | BackTestRun:
        """What it came to; while there is nothing yet, or it failed, how far it is."""
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("back-test", tenant_id, id_))
        found: BackTest | BackTestRun
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            try:
                found = await get_back_test(session, tenant_id, id_)
            except NotFound:
                found = await rows.counted(session, await rows.get_run(session, tenant_id, id_))
        await self._access_log.looked(actor, tenant_id, "back-test", str(id_), purpose="detection")
        return found

    async def _planned(self, tenant_id: UUID, run_id: UUID) -> BackTestRun:
        """The run with whose history it is of. The first to look that up has decided it."""
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            run = await rows.get_run(session, tenant_id, run_id)
            if run.planned is not None or not run.is_running:
                return run
            tenant_ids: Sequence[UUID] = (tenant_id,)
            there_are = 1
            if tenant_id == VENDOR_ID:
                tenant_ids, there_are = await busiest_tenants(
                    session, run.start - HOUR, run.end - HOUR, MOST_TENANTS
                )
        async with self._storage.write(TenantScope(tenant_id)) as session:
            run = await rows.get_run(session, tenant_id, run_id, lock=True)
            if run.planned is None:
                await rows.change_run(session, run, planned=list(tenant_ids), with_usage=there_are)
                run = replace(run, planned=tuple(tenant_ids), with_usage=there_are)
        return run

    async def _replay(self, run: BackTestRun, tenant_id: UUID) -> None:
        async with self._storage.read(TenantScope(tenant_id)) as session:
            if await rows.has_part(session, tenant_id, run.id):
                return
        start, end = run.start - HOUR, run.end - HOUR
        looked_at = Access(Verb.READ, "cost", "", "back-test of a detector")
        await self._access_log.trace(run.asked_by, [tenant_id], looked_at)
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            history = await read_history(session, [tenant_id], start, end, run.asked_at)
            judged = await finds(session, tenant_id, Lane.LIVE, start, end)
        # Processor work: whatever else this process serves goes on meanwhile.
        document = await asyncio.to_thread(
            portion,
            history,
            version_named(run.live),
            version_named(run.detector),
            [(find, verdict) for find, verdict in judged if verdict is not None],
        )
        async with self._storage.write(TenantScope(tenant_id)) as session:
            await rows.add_part(session, tenant_id, run.id, document)

    async def _complete(self, run: BackTestRun, job: UUID | None) -> None:
        async with self._storage.read(StaffScope()) as session:
            parts = await rows.parts(session, run.id)
        async with self._storage.write(TenantScope(run.tenant_id)) as session:
            if not await session.complete(job):
                return
            if not (await rows.get_run(session, run.tenant_id, run.id, lock=True)).is_running:
                return
            if run.planned is None or set(run.planned) != set(parts):
                raise Broken("a part of the back-test is missing", code="BACK_TEST_INCOMPLETE")
            now = session.clock.now()
            document: dict[str, Json] = {
                "detector": run.detector,
                "live": run.live,
                "start": rfc3339(run.start),
                "end": rfc3339(run.end),
                "scope": "every tenant" if run.tenant_id == VENDOR_ID else "tenant",
                "weeks": str(run.weeks),
                "tenants": {"replayed": str(len(parts)), "with_usage": str(run.with_usage)},
                **together(parts),
            }
            said = digest(document)
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.DETECTOR_BACKTESTED,
                    tenant_id=run.tenant_id,
                    actor=run.asked_by,
                    at=now,
                    subjects=(Subject(f"back-test/{run.id}", said),),
                    predicate=document,
                    inputs=rests_on(parts),
                    policies=run.policies,
                    policy_version=run.policy_version,
                ),
            )
            test = BackTest(
                id=run.id,
                tenant_id=run.tenant_id,
                detector=run.detector,
                live=run.live,
                weeks=run.weeks,
                start=run.start,
                end=run.end,
                document=document,
                digest=said,
                ran_at=now,
                ran_by=run.asked_by.name,
                receipt_id=receipt.id,
            )
            await add_back_test(session, test, run.asked_by)
            await rows.change_run(session, run, state=RunState.DONE.value, finished_at=now)
