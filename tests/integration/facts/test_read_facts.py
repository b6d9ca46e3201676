"""What reports read back: columns, maintenance; and who cannot."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from intake_door import JUNE, Door, fact, sli, slis
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import ServerThread
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.errors import Broken
from trust_portal.facts.measurements import Received, read_measurements, received
from trust_portal.facts.measurements_packed import measurements_of
from trust_portal.facts.operations import read_announced, read_maintenance
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import IntakeScope, StaffScope, TenantScope

JULY = datetime(2026, 7, 1, tzinfo=UTC)
RECEIVED = datetime(2026, 7, 10, 9, tzinfo=UTC)


async def test_measurements_come_back_as_columns_in_order_of_minute(door: Door) -> None:
    await door.deliver(
        *reversed(slis(range(3))),
        sli(1, id="again", good=7),
        sli(0, id="july", time="2026-07-01T00:00:00Z"),
        sli(0, id="may", time="2026-05-31T23:59:00Z"),
        sli(0, id="other objective", objective="web"),
        sli(0, id="other tenant", tenant="globex"),
    )
    async with door.storage.read(TenantScope(door.acme)) as session:
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
        counted = await received(session, door.acme, "api", JUNE, JULY)
    first = int(JUNE.timestamp()) // 60
    assert columns.minute.tolist() == [first, first + 1, first + 1, first + 2]
    assert columns.total.tolist() == [60] * 4
    assert sorted(columns.good.tolist()) == [7, 59, 59, 59]
    last = RECEIVED + timedelta(microseconds=3)  # events of one delivery come one after another
    assert (columns.buckets, columns.last_received_at) == ({}, last)
    assert counted == Received(4, last)


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
async def test_of_two_corrections_that_came_together_the_later_one_counts(
    door: Door, ids: tuple[str, str]
) -> None:
    await door.deliver(
        sli(0),
        sli(0, id=ids[0], good=1, correction_of="m-0"),
        sli(0, id=ids[1], good=2, correction_of="m-0"),
    )
    async with door.storage.read(TenantScope(door.acme)) as session:
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
    assert columns.good.tolist() == [2]


async def test_a_replaced_measurement_is_left_out_wherever_its_replacement_lies(
    door: Door, clock: ManualClock
) -> None:
    """Minute 1 is corrected, minute 2 twice, minute 3 by a correction of its correction, minute 4 into July."""
    await door.deliver(*slis(range(6)))
    await door.deliver(sli(1, id="once", good=11, correction_of="m-1"))
    await door.deliver(sli(2, id="first", good=21, correction_of="m-2"))
    await door.deliver(sli(3, id="chain", good=31, correction_of="m-3"))
    await door.deliver(sli(4, id="moved", time="2026-07-01T00:00:00Z", correction_of="m-4"))
    clock.advance(timedelta(seconds=1))
    await door.deliver(sli(2, id="second", good=22, correction_of="m-2"))
    await door.deliver(sli(3, id="links", good=32, correction_of="chain"))
    await door.deliver(sli(6, id="of nobody", good=58, correction_of="never came"))
    other = {"source": "urn:probe:us"}
    await door.deliver(sli(0, id="of globex", good=1, tenant="globex", correction_of="m-0"))
    await door.deliver(sli(0, id="of another source", good=1, correction_of="m-0") | other)
    async with door.storage.read(TenantScope(door.acme)) as session:
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
    first = int(JUNE.timestamp()) // 60
    found = list(zip((columns.minute - first).tolist(), columns.good.tolist(), strict=True))
    assert sorted(found) == [(0, 1), (0, 59), (1, 11), (2, 22), (3, 32), (5, 59), (6, 58)]


async def test_corrections_beyond_the_memory_of_a_statement_are_looked_up_and_not_gone_through(
    door: Door, server_thread: ServerThread, database_url: str
) -> None:
    """15,000 minutes, each corrected: gone through for every row they are 450 million comparisons."""
    async with door.storage.write(IntakeScope()) as session:
        for prefix, corrects, good in (("m-", "NULL", 58), ("c-", "'m-' || n", 59)):
            await session.execute(
                text(
                    "INSERT INTO measurements (tenant_id, objective, minute, event_key, total, good, source,"
                    " event_id, correction_of, received_at) SELECT :tenant, 'api', CAST(:june AS timestamptz)"
                    f" + n * interval '1 minute', gen_random_uuid(), 60, :good, 'urn:probe:eu', '{prefix}' || n,"
                    f" {corrects}, CAST(:june AS timestamptz) FROM generate_series(0, 14999) AS n"
                ),
                {"tenant": door.acme, "june": JUNE, "good": good},
            )
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(make_url(database_url).database)
    await superuser.execute("ANALYZE measurements")
    await superuser.close()
    async with door.storage.read(TenantScope(door.acme)) as session:
        await session.execute(text("SET LOCAL work_mem = '64kB'"))
        await session.execute(text("SET LOCAL statement_timeout = '5s'"))
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
    assert columns.good.tolist() == [59] * 15_000


async def test_buckets_of_different_bounds_are_columns_of_their_own(door: Door) -> None:
    await door.deliver(
        sli(0, buckets={"0.50": 40, "+Inf": 60}, good=None),
        sli(1, buckets={"0.25": 30, "0.5": 50, "+Inf": 60}),
        sli(2),
    )
    async with door.storage.read(StaffScope()) as session:
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
    assert columns.good.tolist() == [-1, 59, 59]
    assert {bound: column.tolist() for bound, column in columns.buckets.items()} == {
        "0.25": [-1, 30, -1],
        "0.5": [40, 50, -1],
        "+Inf": [60, 60, -1],
    }
    assert list(columns.buckets) == ["0.25", "0.5", "+Inf"]


async def test_rows_of_changing_bounds_come_back_in_order_whatever_their_mixture(door: Door) -> None:
    shapes: list[dict[str, Any]] = [{}, {"buckets": {"0.5": 1, "+Inf": 60}}, {"buckets": {"+Inf": 60}}]
    chance = random.Random(7)
    chosen = [chance.choice(shapes) for _ in range(300)]
    chosen[100:200] = [shapes[1]] * 100
    await door.deliver(*(sli(number, **data) for number, data in enumerate(chosen)))
    async with door.storage.read(StaffScope()) as session:
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
    first = int(JUNE.timestamp()) // 60
    assert columns.minute.tolist() == list(range(first, first + 300))
    assert columns.total.tolist() == [60] * 300
    for bound in ("0.5", "+Inf"):
        assert columns.buckets[bound].tolist() == [data.get("buckets", {}).get(bound, -1) for data in chosen]


async def test_a_period_without_measurements_is_empty(door: Door) -> None:
    async with door.storage.read(StaffScope()) as session:
        columns = await read_measurements(session, door.acme, "api", JUNE, JULY)
        assert await received(session, door.acme, "api", JUNE, JULY) == Received(0, None)
    assert (len(columns), columns.last_received_at) == (0, None)


async def test_measurements_of_many_are_those_of_each(door: Door) -> None:
    """Of one with corrections, one with buckets of changing bounds and repeats, and one with nothing."""
    shapes: list[dict[str, Any]] = [
        {},
        {"buckets": {"0.5": 1, "+Inf": 60}},
        {"buckets": {"+Inf": 60}, "good": None},
    ]
    chance = random.Random(7)
    await door.deliver(*slis(range(6)), sli(1, id="once", good=11, correction_of="m-1"))
    await door.deliver(
        *(sli(number, id=f"g-{number}", tenant="globex", **chance.choice(shapes)) for number in range(300)),
        sli(7, id="again", tenant="globex", good=3),
        sli(0, id="july", tenant="globex", time="2026-07-01T00:00:00Z"),
        sli(0, id="web", tenant="globex", objective="web"),
    )
    nobody = VENDOR_ID
    async with door.storage.read(StaffScope()) as session:
        found = await measurements_of(session, [door.acme, door.globex, nobody], "api", JUNE, JULY)
        for tenant in (door.acme, door.globex, nobody):
            one = await read_measurements(session, tenant, "api", JUNE, JULY)
            many = found[tenant]
            assert (many.minute.tolist(), many.total.tolist()) == (one.minute.tolist(), one.total.tolist())
            assert list(many.buckets) == list(one.buckets)
            columns = [("good", many.good, one.good)]
            columns += [(bound, many.buckets[bound], one.buckets[bound]) for bound in one.buckets]
            for name, got, wanted in columns:
                of_minute = [
                    sorted(zip(one.minute.tolist(), each.tolist(), strict=True)) for each in (got, wanted)
                ]
                assert of_minute[0] == of_minute[1], name
    assert found.keys() == {door.acme, door.globex, nobody}
    assert (len(found[door.acme]), len(found[door.globex]), len(found[nobody])) == (6, 301, 0)
    assert list(found[door.globex].buckets) == ["0.5", "+Inf"]


def window(
    key: str, day: int, *, id: str | None = None, time: str = "2026-05-20T00:00:00Z", **more: Any
) -> dict[str, Any]:
    return fact(
        "maintenance.scheduled", id or key, time, window=key, start=f"2026-06-{day:02d}T22:00:00Z",
        end=f"2026-06-{day:02d}T23:00:00+00:00", announced_at="2026-05-19T00:00:00Z", reason="upgrade", **more,
    )  # fmt: skip


async def test_maintenance_is_what_concerns_the_tenant_and_still_stands(door: Door) -> None:
    await door.deliver(
        window("everybody", 5),
        window("acme", 6, tenants=["acme"], objectives=["api"]),
        window("globex", 7, tenants=["globex"]),
        fact("maintenance.cancelled", "c-1", "2026-05-21T00:00:00Z", window="called off", reason="no need"),
        window("called off", 8),
        window("moved", 9),
        window("moved", 12, id="moved-2", time="2026-05-22T00:00:00Z"),
        window("moved away", 13),
        window("moved away", 13, id="moved-3", time="2026-05-22T00:00:00Z", tenants=["globex"]),
        window("next month", 14) | {"data": {**window("x", 1)["data"], "window": "next month",
                                           "start": "2026-07-01T00:00:00Z", "end": "2026-07-01T01:00:00Z"}},
    )  # fmt: skip
    async with door.storage.read(TenantScope(VENDOR_ID)) as session:
        windows = await read_maintenance(session, door.acme, JUNE, JULY)
        announced = await read_announced(session, JUNE, JULY)
        for each in (door.acme, door.globex):
            assert announced.of(each, JUNE, JULY) == await read_maintenance(session, each, JUNE, JULY)
        assert announced.of(door.acme, JULY, JULY + timedelta(days=1)) == ()
        with_cancelled = await read_maintenance(session, door.acme, JUNE, JULY, include_cancelled=True)
    assert [(w.key, w.start.day, w.objectives) for w in windows] == [
        ("everybody", 5, None),
        ("acme", 6, ("api",)),
        ("moved", 12, None),
    ]
    assert windows[0].announced_at == datetime(2026, 5, 19, tzinfo=UTC)
    assert windows[0].origin.received_at == RECEIVED
    assert windows[0].end - windows[0].start == timedelta(hours=1)
    assert [w.key for w in with_cancelled if w.cancelled_at is not None] == ["called off"]


async def test_the_vendors_facts_are_not_silently_missing_in_a_customers_scope(door: Door) -> None:
    async with door.storage.read(TenantScope(door.acme)) as session:
        with pytest.raises(Broken, match="not visible"):
            await read_maintenance(session, door.acme, JUNE, JULY)


@pytest.mark.parametrize("table", ["measurements", "facts"])
async def test_a_tenant_sees_no_row_of_another_and_intake_reads_none_at_all(door: Door, table: str) -> None:
    await door.deliver(
        sli(0), fact("adapter.observed", time="2026-06-01T00:00:00Z", tenant="acme", adapter="s3", calls=1, errors=0,
                     retries=0, p95_ms=1, bytes=1)
    )  # fmt: skip
    seen = {}
    for tenant_id in (door.acme, door.globex):
        async with door.storage.read(TenantScope(tenant_id)) as session:
            rows = await session.execute(text(f"SELECT count(*) FROM {table}"))
            seen[tenant_id] = rows.scalar_one()
    assert seen == {door.acme: 1, door.globex: 0}
    with pytest.raises(DBAPIError) as caught:
        async with door.storage.read(IntakeScope()) as session:
            await session.execute(text(f"SELECT count(*) FROM {table}"))
    assert caught.value.orig.sqlstate == InsufficientPrivilegeError.sqlstate


@pytest.mark.parametrize(
    "statement", ["UPDATE measurements SET good = 0", "DELETE FROM measurements", "TRUNCATE facts"]
)
@pytest.mark.parametrize("scope", [TenantScope(VENDOR_ID), IntakeScope()], ids=["app", "intake"])
async def test_nobody_changes_what_was_stored(door: Door, statement: str, scope: Any) -> None:
    await door.deliver(sli(0))
    with pytest.raises(DBAPIError):
        async with door.storage.write(scope) as session:
            await session.execute(text(statement))
    assert await door.rows("SELECT good FROM measurements") == [(59,)]


async def test_a_key_belongs_to_the_source_that_uses_it(door: Door) -> None:
    """A stranger's window of the same key does not replace another customer's."""
    stranger = {"source": "urn:probe:stranger"}
    await door.deliver(
        window("W-7", 6, tenants=["acme"]),
        window("W-7", 20, id="w-other", time="2026-05-22T00:00:00Z", tenants=["globex"]) | stranger,
    )
    async with door.storage.read(StaffScope()) as session:
        [acmes] = await read_maintenance(session, door.acme, JUNE, JULY)
        [globexes] = await read_maintenance(session, door.globex, JUNE, JULY)
    assert (acmes.key, acmes.start.day) == ("W-7", 6)
    assert (globexes.key, globexes.start.day) == ("W-7", 20)


async def test_a_token_for_some_tenants_takes_no_window_from_the_others(door: Door) -> None:
    """Neither by calling off the same window, nor by moving it, though it may speak for the same source."""
    await door.deliver(window("W-7", 6, tenants=["acme", "globex"]))
    of_globex = Admission(CONSOLE, Bounds(sources=("*",), tenants=frozenset({door.globex})))
    moved = await door.deliver(
        window("W-7", 20, id="moved", time="2026-05-22T00:00:00Z", tenants=["globex"]), sender=of_globex
    )
    assert (moved.accepted, moved.rejected) == (1, [])
    async with door.storage.read(StaffScope()) as session:
        [acmes] = await read_maintenance(session, door.acme, JUNE, JULY)
        [globexes] = await read_maintenance(session, door.globex, JUNE, JULY)
    assert (acmes.start.day, globexes.start.day) == (6, 20)


async def test_with_a_vendors_fact_stands_for_whom_its_token_could_speak(door: Door) -> None:
    await door.deliver(window("free", 6, tenants=["acme"]))
    for_both = Admission(CONSOLE, Bounds(sources=("*",), tenants=frozenset({door.acme, door.globex})))
    await door.deliver(window("bounded", 7, tenants=["acme"]), sender=for_both)
    stored = await door.rows("SELECT subject, tenants, bounds FROM facts ORDER BY subject DESC")
    assert stored == [
        ("free", [door.acme], None),
        ("bounded", [door.acme], sorted((door.acme, door.globex))),
    ]
