"""Many writers at once, and a writer that dies: each event is there once, and what was answered stays."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from intake_door import Door, add_tenant, make_intake, sli, slis

from trust_portal.errors import Broken
from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.reading import read_event
from trust_portal.kernel.clock import ManualClock, SystemClock
from trust_portal.storage.engine import create_engine
from trust_portal.storage.unit_of_work import Storage


async def test_thirty_writers_of_overlapping_batches_store_each_event_once(
    door: Door, database_url: str
) -> None:
    engine = create_engine(database_url, pool_size=10)
    intake = make_intake(Storage(engine), SystemClock())
    door.intake = intake
    chance = random.Random(1)
    batches = []
    for _ in range(30):
        numbers = chance.sample(range(200), 120)
        batches.append(slis(numbers))
    outcomes = await asyncio.gather(*(door.deliver(*batch, chunk=50) for batch in batches))
    await engine.dispose()
    distinct = {event["id"] for batch in batches for event in batch}
    assert sum(outcome.accepted for outcome in outcomes) == len(distinct)
    assert sum(outcome.duplicates for outcome in outcomes) == 30 * 120 - len(distinct)
    assert [outcome.rejected for outcome in outcomes] == [[]] * 30
    assert await door.counts() == (len(distinct), 0)


async def test_of_two_contents_sent_at_once_one_is_stored_and_the_other_a_conflict(door: Door) -> None:
    for number in range(10):
        outcomes = await asyncio.gather(door.deliver(sli(number)), door.deliver(sli(number, good=1)))
        assert sorted(outcome.accepted for outcome in outcomes) == [0, 1]
        assert [r.code for outcome in outcomes for r in outcome.rejected] == [RejectionCode.CONFLICT]
    assert await door.counts() == (10, 0)


async def test_a_row_whose_key_was_not_restored_stops_the_delivery_with_a_clear_error(
    door: Door, database_url: str
) -> None:
    await door.deliver(*slis(range(3)))
    owner = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await owner.execute("ALTER TABLE event_keys DISABLE TRIGGER USER; DELETE FROM event_keys")
    for again in (sli(1), [sli(7), sli(2)]):
        with pytest.raises(
            Broken, match=r"^measurements has an event that event_keys does not know"
        ) as caught:
            await door.deliver(*again if isinstance(again, list) else [again])
        assert caught.value.code == "EVENT_KEYS_INCOMPLETE"
    assert await door.counts() == (3, 0)
    assert await owner.fetchval("SELECT count(*) FROM event_keys") == 0
    await owner.close()


async def test_a_delivery_waits_for_the_other_at_a_key_and_then_knows_it(
    door: Door, database_url: str
) -> None:
    """The other commits after this one has begun: no repetition, one transaction, and a duplicate."""
    other = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    read = read_event(json.dumps(sli(1)).encode(), 0, door.storage.clock.now())
    async with other.transaction():
        await other.execute("SET LOCAL ROLE trust_portal_intake")
        await other.execute(
            "INSERT INTO event_keys VALUES ($1, $2)", UUID(bytes=read.key), UUID(bytes=read.digest[:16])
        )
        delivery = asyncio.create_task(door.deliver(sli(0), sli(1), sli(2), sli(1, good=3)))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        await other.execute("RESET ROLE")
        async with asyncio.timeout(60):
            while not await other.fetchval(waiting):
                await asyncio.sleep(0.01)
    outcome = await delivery
    await other.close()
    assert (outcome.accepted, outcome.duplicates) == (2, 1)
    assert [(each.index, each.code) for each in outcome.rejected] == [(3, RejectionCode.CONFLICT)]
    assert await door.counts() == (2, 0)


WRITER = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[2])
from intake_door import make_intake, slis
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.framing import whole
from trust_portal.kernel.clock import SystemClock
from trust_portal.storage.engine import create_engine
from trust_portal.storage.unit_of_work import Storage

async def write():
    intake = make_intake(Storage(create_engine(sys.argv[1])), SystemClock())
    for number in range(100_000):
        raws = [json.dumps(event).encode() for event in slis(range(10 * number, 10 * number + 10))]
        outcome = await intake.deliver(whole(raws), Admission(CONSOLE, Bounds(sources=("*",))))
        print(outcome.accepted, flush=True)

asyncio.run(write())
"""


async def test_what_a_killed_writer_was_told_is_there_and_the_rest_can_be_sent_again(
    database_url: str, clock: ManualClock
) -> None:
    storage = Storage(create_engine(database_url), clock)
    acme = await add_tenant(storage, "acme")
    door = Door(storage, make_intake(storage, clock), acme, acme)
    told = 0
    for round_ in range(3):
        writer = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            WRITER,
            database_url,
            str(Path(__file__).parent),
            stdout=asyncio.subprocess.PIPE,
        )
        assert writer.stdout is not None
        for _ in range(5 + 3 * round_):
            told += int(await writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        told += sum(int(line) for line in (await writer.stdout.read()).splitlines())
        await writer.wait()
        stored, _ = await door.counts()
        # At most the one delivery whose answer was lost lies between; it is whole or not there.
        assert stored - told in (0, 10)
        told = stored
    again = await door.deliver(*(json.dumps(event).encode() for event in slis(range(told + 10))))
    assert (again.accepted, again.duplicates, again.rejected) == (10, told, [])
    await storage.engine.dispose()
