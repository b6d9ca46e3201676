"""A back-test is asked for in one step and made in many: by whoever is alive, once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.cost_vendor import Vendor

from jobs.cost import COST_DUTIES
from jobs.workbench import Workbench
from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.trials import runs_repository
from trust_portal.cost.trials.model import BackTest, BackTestRun, RunBackTest, RunState
from trust_portal.errors import Denied, InvalidInput
from trust_portal.evidence.ledger import Receipt
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import SystemClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job, outbox
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=10)

ASKED = RunBackTest(VENDOR_ID, "forecast@2", 4)
TENANTS, HOURS = 3, 120
(DUTY,) = (each for each in COST_DUTIES if each.job is Job.BACK_TEST_DETECTOR)

#: A worker with this one job at hand, in a process of its own that can be killed.
WORKER = """
import asyncio
from pathlib import Path
from sys import argv
from jobs.cost import COST_DUTIES
from jobs.workbench import Workbench
from trust_portal.house import build_house
from trust_portal.settings import Settings
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, Job

async def main():
    settings = Settings(
        database_url=argv[1], redis_url=argv[2], key_file=Path(argv[3]),
        base_url="https://trust.example", vendor_name="Vendor Ltd",
    )
    house = build_house(settings)
    backlog = Backlog(house.storage)
    (duty,) = (each for each in COST_DUTIES if each.job is Job.BACK_TEST_DETECTOR)
    for ticket in await backlog.hand_over(DEFAULT_QUEUE):
        if ticket.job is duty.job:
            await Workbench(house, backlog).attempt(duty, str(ticket.row_id), ticket.attempts)
    await house.close()

asyncio.run(main())
"""


def spiky(n: int) -> str:
    return "80.00" if n in range(100, 106) else f"{10 + (n % 3) / 10:.2f}"


async def standing(vendor: Vendor, id_: UUID) -> BackTest | BackTestRun:
    return await vendor.house.detector_backtests.get(CONSOLE, VENDOR_ID, id_)


async def work(vendor: Vendor) -> None:
    backlog = Backlog(vendor.house.storage)
    for ticket in await backlog.hand_over(DEFAULT_QUEUE):
        if ticket.job is DUTY.job:
            await Workbench(vendor.house, backlog).attempt(DUTY, str(ticket.row_id), ticket.attempts)


async def waiting(vendor: Vendor) -> int:
    async with vendor.house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = select(func.count()).select_from(outbox).where(outbox.c.job == DUTY.job.value)
        return (await session.execute(query)).scalar_one()


async def receipts(vendor: Vendor) -> list[Receipt]:
    found = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), VENDOR_ID, PageRequest(100))
    return [each for each in found.items if each.kind is ReceiptKind.DETECTOR_BACKTESTED]


async def worker(vendor: Vendor) -> asyncio.subprocess.Process:
    known = vendor.house.settings
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, known.database_url, known.redis_url, str(known.key_file)),
        env=os.environ,
    )


@asynccontextmanager
async def nobody_gets_past(vendor: Vendor, run: BackTestRun, tenant: Tenant) -> AsyncIterator[None]:
    """Whoever writes this tenant's part waits until this is over, and then writes it."""
    with suppress(ZeroDivisionError):
        async with vendor.house.storage.write(TenantScope(tenant.id)) as session:
            await runs_repository.add_part(session, tenant.id, run.id, {})
            yield
            raise ZeroDivisionError("nothing of this is kept")


async def test_a_worker_that_is_killed_in_the_middle_loses_nothing_and_nothing_is_done_twice(
    vendor: Vendor,
) -> None:
    tenants = [await vendor.tenant(f"t{number}") for number in range(TENANTS)]
    for number, tenant in enumerate(tenants):  # The busiest is replayed first.
        await vendor.use(tenant.key, range(number, HOURS), spiky)
    vendor.until(vendor.clock.now() + timedelta(hours=2))
    await vendor.house.metering.follow()
    service = vendor.house.detector_backtests
    undisturbed = await service.run(ASKED, CONSOLE)
    await work(vendor)  # The job of what is done already: nothing is left to do.
    assert (await waiting(vendor), len(await receipts(vendor))) == (0, 1)

    run = await service.ask(ASKED, CONSOLE)
    async with nobody_gets_past(vendor, run, tenants[-1]):
        process = await worker(vendor)
        try:
            while (await standing(vendor, run.id)).done < TENANTS - 1:
                assert process.returncode is None
                await asyncio.sleep(0.05)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()
    assert process.returncode == -signal.SIGKILL
    left = await standing(vendor, run.id)
    assert isinstance(left, BackTestRun)
    assert left.is_running
    assert (left.done, left.total) == (TENANTS - 1, TENANTS)
    assert (await waiting(vendor), len(await receipts(vendor))) == (1, 1)

    # What was asked stays asked as of then, whoever finishes it later, in hours that have passed meanwhile.
    vendor.until(SystemClock().now() + timedelta(minutes=1))
    await asyncio.gather(work(vendor), service.work(VENDOR_ID, run.id))

    done = await standing(vendor, run.id)
    assert isinstance(done, BackTest)
    assert done.document["tenants"] == {"replayed": str(TENANTS), "with_usage": str(TENANTS)}
    assert done.document["hours"] == str(sum(HOURS - late for late in range(TENANTS)))
    assert done.document["found"]["live"]["anomalies"] == str(TENANTS)
    assert (done.digest, done.document) == (undisturbed.digest, undisturbed.document)
    assert [each.id for each in await receipts(vendor)] == [done.receipt_id, undisturbed.receipt_id]
    assert await waiting(vendor) == 0
    assert await service.unfinished(CONSOLE, VENDOR_ID) == ()


async def test_two_who_ask_at_once_have_one_and_one_that_failed_says_why_and_is_asked_again(
    vendor: Vendor,
) -> None:
    acme = await vendor.tenant("acme")
    await vendor.use("acme", range(60), spiky)
    await vendor.close(60)
    service = vendor.house.detector_backtests
    command = RunBackTest(acme.id, "forecast@2", 4)
    with pytest.raises(Denied):
        await service.ask(command, actor_with(Role.CSM))
    with pytest.raises(InvalidInput, match="live here already"):
        await service.ask(RunBackTest(acme.id, "own-tail@2", 4), CONSOLE)
    assert await waiting(vendor) == 0

    asked = await asyncio.gather(*[service.ask(command, CONSOLE) for _ in range(4)])

    assert len({each.id for each in asked}) == 1
    assert await waiting(vendor) == 1
    other = await service.ask(RunBackTest(acme.id, "forecast@2", 8), CONSOLE)
    assert {each.id for each in await service.unfinished(CONSOLE, acme.id)} == {asked[0].id, other.id}

    arguments = {"tenant": str(acme.id), "run": str(asked[0].id)}
    for reason in ("the worker ended before it was done", "said a second time"):
        await DUTY.give_up(vendor.house, arguments, reason)
    failed = await service.get(CONSOLE, acme.id, asked[0].id)
    assert isinstance(failed, BackTestRun)
    assert (failed.state, failed.failure) == (RunState.FAILED, "the worker ended before it was done")
    again = await service.ask(command, CONSOLE)
    assert again.id != asked[0].id
    await work(vendor)
    assert {each.id for each in await service.newest(CONSOLE, acme.id)} == {again.id, other.id}
    assert await service.get(CONSOLE, acme.id, asked[0].id) == failed  # a job that comes late changes nothing
    assert await waiting(vendor) == 0
