"""The worker process: arq for the jobs, and the house's own rounds beside it.

The default worker also delivers notifications and runs the relay, the sequencer and the clockwork. The
exports worker relays too, but leaves the sequencer alone: its renders hold the interpreter for
seconds. Any number of either may run.

arq ends when the queue server goes away. It is then started again here, while the sequencer, which
needs only PostgreSQL, goes on. Jobs at work go on as well: their effect is in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, cast

import uvloop
from arq.connections import ArqRedis, create_pool
from arq.typing import WorkerCoroutine
from arq.worker import Function, Worker

from jobs.accounts import ACCOUNT_DUTIES, mind_accounts
from jobs.actions import mind_actions
from jobs.approvals import APPROVAL_DUTIES
from jobs.compliance import COMPLIANCE_DUTIES, mind_compliance
from jobs.cost import COST_DUTIES, mind_cost
from jobs.credits import CREDIT_DUTIES
from jobs.duty import Duty
from jobs.exports import EXPORT_DUTIES
from jobs.incidents import INCIDENT_DUTIES, mind_incidents
from jobs.notifications import NOTIFICATION_DUTIES
from jobs.passkeys import PASSKEY_DUTIES
from jobs.postmortems import POSTMORTEM_DUTIES
from jobs.posture import POSTURE_DUTIES
from jobs.relay import QUEUE_LOST, Relay, from_json, queue_settings, to_json
from jobs.remediation import REMEDIATION_DUTIES, mind_runs
from jobs.reports import REPORT_DUTIES
from jobs.schedule import start_due_runs
from jobs.stopping import let_end, to_the_end
from jobs.trust import TRUST_DUTIES, mind_trust
from jobs.workbench import Workbench
from trust_portal.errors import Broken, InvalidInput, Unavailable
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.house import House, open_house
from trust_portal.runtime.signals import until_told
from trust_portal.settings import Settings
from trust_portal.storage.backlog import QUEUED_LEASE, Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, DELIVERIES_QUEUE, EXPORTS_QUEUE, QUEUE_OF
from trust_portal.storage.rounds import Rounds

log = logging.getLogger(__name__)

DUTIES: tuple[Duty, ...] = (
    *ACCOUNT_DUTIES,
    *APPROVAL_DUTIES,
    *COMPLIANCE_DUTIES,
    *COST_DUTIES,
    *CREDIT_DUTIES,
    *EXPORT_DUTIES,
    *INCIDENT_DUTIES,
    *NOTIFICATION_DUTIES,
    *PASSKEY_DUTIES,
    *POSTMORTEM_DUTIES,
    *POSTURE_DUTIES,
    *REMEDIATION_DUTIES,
    *REPORT_DUTIES,
    *TRUST_DUTIES,
)
#: Jobs at a time. Renders are bound by the processor, reports wait for the database in between.
MAX_JOBS = {DEFAULT_QUEUE: 8, EXPORTS_QUEUE: 2}
_DELIVERIES_AT_A_TIME = 16
#: Seconds between two looks at a queue, by queue. Looking is most of what an idle worker does; who waits for a bundle,
#: which takes a second and more, does not notice a quarter of one.
_QUEUE_POLL = {DEFAULT_QUEUE: 0.1, DELIVERIES_QUEUE: 0.1, EXPORTS_QUEUE: 0.25}
_RELAY_ROUND = {DEFAULT_QUEUE: 0.1, EXPORTS_QUEUE: 0.5}
_SCHEDULE_ROUND = 15.0
_COMPLIANCE_ROUND = 60.0
_COST_ROUND = 5.0
_ACCOUNTS_ROUND = 300.0
_ACTIONS_ROUND = 15.0
_INCIDENTS_ROUND = 5.0
_RUNS_ROUND = 2.0
_REVIEWS_ROUND = 3600.0
_POSTURE_ROUND = 300.0
_RETENTION_ROUND = 86_400.0
_AFTER_FAILURE = 1.0
#: arq's own timeout only catches what outlived ours.
_ARQ_MARGIN = timedelta(seconds=30)


def run_worker(settings: Settings, queue: str) -> None:
    """Work until SIGTERM or SIGINT; a queue name that does not exist is ``InvalidInput``."""
    names = {name: name for name in MAX_JOBS} | {name.rpartition(":")[2]: name for name in MAX_JOBS}
    if queue not in names:
        raise InvalidInput(f"there is no queue {queue!r}; there are default and exports", field="queue")
    uvloop.run(until_told(_work_in_a_house(settings, names[queue])))


async def _work_in_a_house(settings: Settings, queue: str) -> None:
    async with open_house(settings) as house:
        await house.open()
        await work(house, queue)


async def work(house: House, queue: str) -> None:
    """Everything one worker process does, until cancelled. ``Broken`` ends it: stop, keep the evidence."""
    backlog = Backlog(house.storage)
    relay = Relay(backlog, house.settings.redis_url)
    repeat = partial(repeat_round, Rounds(house.storage))
    rounds: list[Awaitable[None]] = [
        repeat("relay", relay.round, _RELAY_ROUND[queue]),
        house.policies.watch(),
        _serve_queue(house, backlog, queue),
    ]
    if queue == DEFAULT_QUEUE:
        rounds += [
            repeat("schedule", partial(start_due_runs, house), _SCHEDULE_ROUND),
            repeat("compliance", partial(mind_compliance, house), _COMPLIANCE_ROUND),
            repeat("trust", partial(mind_trust, house), _SCHEDULE_ROUND),
            repeat("cost", partial(mind_cost, house), _COST_ROUND),
            repeat("accounts", partial(mind_accounts, house), _ACCOUNTS_ROUND),
            repeat("actions", partial(mind_actions, house), _ACTIONS_ROUND),
            repeat("incidents", partial(mind_incidents, house), _INCIDENTS_ROUND),
            _serve_queue(house, backlog, DELIVERIES_QUEUE),
            repeat("playbooks", partial(mind_runs, house), _RUNS_ROUND),
            repeat("reviews", house.glass_reviews.follow_up, _REVIEWS_ROUND),
            repeat("retention", house.sign_in_retention.prune, _RETENTION_ROUND),
            repeat("posture", house.posture.ask_due, _POSTURE_ROUND),
            _sequence(house),
        ]
    try:
        async with asyncio.TaskGroup() as group:
            for one in rounds:
                group.create_task(_awaited(one))
    finally:
        await relay.close()


async def _sequence(house: House) -> None:
    """The sequencer until this worker ends; several workers take turns by its advisory lock."""
    stop = asyncio.Event()
    try:
        await run_sequencer(house.storage, house.keyring, stop, host=house.settings.host)
    finally:
        stop.set()


async def repeat_round(rounds: Rounds, name: str, once: Callable[[], Awaitable[Any]], seconds: float) -> None:
    """Call ``once`` for ever with a pause between; what fails is logged, with its trace, and tried again.

    Only of what is away now and back later (``Unavailable``) the one line says all there is to know. That it
    went well, or failed, is noted for ``/metrics`` and ``trust-portal doctor``.
    """
    while True:
        try:
            await once()
            await rounds.went_well(name)
        except Broken as broken:
            await _note_failure(rounds, name, broken)
            raise
        except Exception as error:
            away = isinstance(error, Unavailable)
            log.warning("%s: %s: %s", name, type(error).__name__, error, exc_info=None if away else error)
            await _note_failure(rounds, name, error)
            await asyncio.sleep(_AFTER_FAILURE)
        await asyncio.sleep(seconds)


async def _note_failure(rounds: Rounds, name: str, error: Exception) -> None:
    try:
        await rounds.failed(name, error)
    except Exception as lost:  # noqa: BLE001 - mostly the database is what failed; the line before said so
        log.warning("%s: the failure could not be noted (%s)", name, type(lost).__name__)


async def _awaited(one: Awaitable[None]) -> None:
    await one


async def _serve_queue(house: House, backlog: Backlog, queue: str) -> None:
    bench = Workbench(house, backlog)
    functions = [
        function_of(bench, duty) for duty in DUTIES if QUEUE_OF.get(duty.job, DEFAULT_QUEUE) == queue
    ]
    while True:
        try:
            await _run_arq(house.settings.redis_url, queue, functions, bench)
        except QUEUE_LOST as lost:
            log.warning("the queue server is away (%s); trying again", type(lost).__name__)
            await asyncio.sleep(_AFTER_FAILURE)


async def _run_arq(redis_url: str, queue: str, functions: list[Function], bench: Workbench) -> None:
    pool = await create_pool(
        queue_settings(redis_url),
        job_serializer=to_json,
        job_deserializer=from_json,
        default_queue_name=queue,
    )
    worker = arq_worker(pool, queue, functions)
    try:
        await worker.async_run()
    except asyncio.CancelledError:
        bench.stop()
        # What has begun; what arq took and has not begun yet comes to the bench, which hands it back.
        for task in worker.job_tasks.values():
            task.cancel()
        await let_end(worker.tasks.values())
        raise
    finally:
        # Jobs at work end by themselves or by the cancellation above; what arq cannot note down
        # with its server away does not matter, the outbox knows.
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
        try:
            await pool.aclose(close_connection_pool=True)
        except QUEUE_LOST:
            log.debug("the queue server was gone before the connection could be closed")


class _Worker(Worker):
    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """What it marks as taken it also brings to the bench, also where it is told to stop in between."""
        await to_the_end(super().start_jobs(job_ids))


def arq_worker(pool: ArqRedis, queue: str, functions: Sequence[Function]) -> Worker:
    """Arq's worker for one queue, with what the outbox answers for taken from it: results, tries, signals."""
    worker = _Worker(
        functions,
        queue_name=queue,
        redis_pool=pool,
        handle_signals=False,
        max_jobs=MAX_JOBS.get(queue, _DELIVERIES_AT_A_TIME),
        keep_result=0,
        max_tries=1,
        poll_delay=_QUEUE_POLL[queue],
        job_serializer=to_json,
        job_deserializer=from_json,
        log_results=False,
    )
    # What a worker took and was killed before it began is taken again as soon as the outbox offers it again,
    # not after the longest timeout of any job. What has begun is off the queue: see ``function_of``.
    worker.in_progress_timeout_s = QUEUED_LEASE.total_seconds()
    return worker


def function_of(bench: Workbench, duty: Duty) -> Function:
    """``duty`` as arq calls it, with the outbox row's id and the attempt.

    An attempt that has begun is taken off arq's queue: from then on the outbox's own lease holds it, for as long
    as it works. Left there, arq would take it for abandoned after ``QUEUED_LEASE`` and begin it again.
    """

    async def attempt(context: dict[str, Any], row_id: str, attempts: int) -> None:
        async def off_the_queue() -> None:
            try:
                await context["redis"].zrem(QUEUE_OF.get(duty.job, DEFAULT_QUEUE), context["job_id"])
            except QUEUE_LOST:
                log.debug("%s stays on the queue, which is away; nobody can begin it twice", duty.job)

        await bench.attempt(duty, row_id, attempts, begun=off_the_queue)

    return Function(
        name=duty.job.value,
        coroutine=cast("WorkerCoroutine", attempt),
        timeout_s=(duty.timeout + _ARQ_MARGIN).total_seconds(),
        keep_result_s=0,
        keep_result_forever=False,
        max_tries=1,
    )
