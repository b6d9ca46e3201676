"""Down and up again over rows: what is on record stays as it is, or the way down is refused and says why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from alembic import command
from sqlalchemy import make_url
from support.actions_world import Promises, promises
from support.learning_world import PAGER, Vendor, declared, named, step, updated

from tests.conftest import ServerThread
from trust_portal.access.actors import CONSOLE
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.actions.told_reminders import ReminderFilter, ReminderKind
from trust_portal.learning.switchboard.service import AcknowledgeEscalation
from trust_portal.runtime.migrate import alembic_config, check_drift, migrate

pytestmark = pytest.mark.takes(seconds=25)

#: The last revision by which only rules settled an alarm.
BEFORE_PEOPLE = "0054"
#: The last by which T+7 alone was the PMO's.
BEFORE_THE_PMO = "0057"
#: The last by which an alarm was held against what its incident had become.
BEFORE_ARRIVAL_DECIDED = "0063"
#: The last by which customers saw an id that follows from source and key.
BEFORE_IDS_WERE_DRAWN = "0070"


@pytest.fixture
async def world(vendor: Vendor) -> Promises:
    return await promises(vendor)


@asynccontextmanager
async def owner_of(server_thread: ServerThread, url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Past every row's policy, as no role of the product is."""
    driver = await server_thread.servers._postgres.connect_as_bootstrap(make_url(url).database)
    try:
        yield driver
    finally:
        await driver.close()


async def rows(driver: asyncpg.Connection[Any], *tables: str) -> dict[str, list[str]]:
    return {each: sorted(repr(row) for row in await driver.fetch(f"SELECT * FROM {each}")) for each in tables}


async def insert(driver: asyncpg.Connection[Any], table: str, **row: object) -> None:
    places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
    await driver.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


async def alarm(driver: asyncpg.Connection[Any], id_: str, **row: object) -> None:
    said = {
        "tenant_id": VENDOR_ID,
        "source": "pagerduty/main",
        "alarm_id": id_,
        "kind": "triggered",
        "key": f"Q-{id_}",
        "why": "no rule fits",
        "version": 1,
        "fields": "{}",
        "received_at": datetime(2026, 6, 1, tzinfo=UTC),
    }
    await insert(driver, "incident_unmatched", **said | row)


async def test_the_way_down_is_refused_where_somebody_said_what_an_alarm_was_and_rules_alone_survive_it(
    vendor: Vendor, server_thread: ServerThread
) -> None:
    await vendor.tell(declared("INC-1"))
    await vendor.register()
    url, settled = vendor.house.settings.database_url, "incident_unmatched_settled"
    here = {"tenant_id": VENDOR_ID, "source": "pagerduty/main"}
    async with owner_of(server_thread, url) as driver:
        receipt_id = await driver.fetchval("SELECT id FROM receipts WHERE tenant_id = $1 LIMIT 1", VENDOR_ID)
        for id_ in ("A1", "A2"):
            await alarm(driver, id_)
        await insert(driver, settled, **here, alarm_id="A1", version=2)
        by_rules = await rows(driver, settled)
        await vendor.house.storage.engine.dispose()
        await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE_PEOPLE)
        assert "incident_id" not in (await rows(driver, settled))[settled][0]
        await migrate(url)
        assert await rows(driver, settled) == by_rules

        await insert(
            driver, settled, **here, alarm_id="A2", incident_id=named("INC-1"), receipt_id=receipt_id
        )
        said = await rows(driver, settled)
        with pytest.raises(RuntimeError) as refused:
            await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE_PEOPLE)
        assert await rows(driver, settled) == said
    assert str(refused.value) == (
        "somebody said of which incident these alarms are, which the revision before cannot hold: "
        "pagerduty/main A2"
    )
    await migrate(url)
    await asyncio.to_thread(check_drift, url)


async def test_an_alarm_of_before_is_of_the_incident_that_went_on_only_where_nothing_speaks_against_it(
    vendor: Vendor, clock: ManualClock, server_thread: ServerThread
) -> None:
    """``early``: before anybody declared it; ``late``: after its end was told, though it was reopened since."""
    url, came = vendor.house.settings.database_url, {}
    for word, events in {
        "early": (),
        "within": (declared("INC-1"), declared("INC-2"), declared("INC-3")),
        "late": (step("INC-1", "resolved", minute=8),),
        "later": (updated("INC-1", "reopened", minute=9), updated("INC-3", "merged", minute=9, into="INC-2")),
    }.items():
        clock.advance(timedelta(minutes=1))
        await vendor.tell(*events)
        clock.advance(timedelta(minutes=1))
        came[word] = clock.now()
    await vendor.register()
    async with owner_of(server_thread, url) as driver:
        for word, at in came.items():
            await alarm(driver, word, source=PAGER, key="INC-1", received_at=at)
        await alarm(driver, "merged", source=PAGER, key="INC-3", received_at=came["within"])
        await alarm(driver, "another pager's", key="INC-2", received_at=came["within"])
        await alarm(driver, "open", source=PAGER, key="INC-2", received_at=came["later"])
        before = [dict(row) for row in await driver.fetch("SELECT * FROM incident_unmatched")]
        await vendor.house.storage.engine.dispose()
        await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE_ARRIVAL_DECIDED)
        assert "incident_id" not in (await driver.fetch("SELECT * FROM incident_unmatched"))[0]
        await migrate(url)
        after = [dict(row) for row in await driver.fetch("SELECT * FROM incident_unmatched")]
        told = {row["alarm_id"]: row["incident_id"] for row in after}
        triggers = (
            "SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname LIKE 'incident_unmatched%append_only'"
        )
        assert [each["tgenabled"] for each in await driver.fetch(triggers)] == [b"O"]
    assert told == {
        "early": None,
        "within": named("INC-1"),
        "late": None,
        "later": None,
        "merged": None,
        "another pager's": None,
        "open": named("INC-2"),
    }
    assert sorted((row | {"incident_id": None} for row in after), key=repr) == sorted(before, key=repr)
    await asyncio.to_thread(check_drift, url)


async def test_each_incident_of_before_gets_an_id_of_its_own_that_customers_see(
    vendor: Vendor, server_thread: ServerThread
) -> None:
    url = vendor.house.settings.database_url
    await vendor.tell(declared("INC-1"), declared("INC-2"))
    before = await vendor.register()
    await vendor.house.storage.engine.dispose()
    async with owner_of(server_thread, url) as driver:
        await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE_IDS_WERE_DRAWN)
        assert "shown_id" not in (await driver.fetch("SELECT * FROM incidents"))[0]
        await migrate(url)
    after = await vendor.register()
    assert after == before
    ids = {id_ for each in after.values() for id_ in (each.id, each.shown_id)}
    assert ids >= {named("INC-1"), named("INC-2")}
    assert len(ids) == 4
    assert not ids & {each.shown_id for each in before.values()}, "drawn anew, of no incident's name"


async def test_escalations_that_told_nobody_and_notes_of_the_earlier_rung_are_as_they_were_after_down_and_up(
    world: Promises, clock: ManualClock, server_thread: ServerThread
) -> None:
    house, petra = world.vendor.house, world.petra.as_actor()
    action = await world.begun(owner_id=world.max.id)
    clock.advance(datetime(2026, 6, 12, 10, tzinfo=UTC) - clock.now())
    await house.action_reminders.round()
    await house.switchboard.acknowledge(AcknowledgeEscalation(action.id, 1, "Max is asked"), petra)
    await house.people.revoke(CONSOLE, VENDOR_ID, world.petra.id, Role.PMO)
    clock.advance(datetime(2026, 7, 1, tzinfo=UTC) - clock.now())
    await house.action_reminders.round()
    told = [
        (each.rung.value, each.told, each.to_pmo, each.acknowledgement)
        for each in await house.prevention_reader.reminders(petra, action.id)
        if each.is_escalation
    ]
    assert told == [("T+3", ("PMO",), True, "Max is asked"), ("T+7", (), True, None)]
    url, tables = house.settings.database_url, ("prevention_reminders", "escalation_acknowledgements")

    async with owner_of(server_thread, url) as driver:
        before = await rows(driver, *tables)
        await house.storage.engine.dispose()
        await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE_THE_PMO)
        below = await rows(driver, *tables)
        assert below["escalation_acknowledgements"] == before["escalation_acknowledgements"]
        assert [len(below[each]) for each in tables] == [len(before[each]) for each in tables]
        noted = dict(await driver.fetchrow("SELECT * FROM escalation_acknowledgements"))
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await insert(driver, "escalation_acknowledgements", **noted | {"receipt_id": new_id()})
        assert refused.value.constraint_name == "escalation_acknowledgements_only_of_the_last_rung_check", (
            "what is new is held to the rule"
        )
        await migrate(url)
        assert await rows(driver, *tables) == before
        unchecked = "SELECT conrelid::regclass::text FROM pg_constraint WHERE NOT convalidated"
        assert not {each["conrelid"] for each in await driver.fetch(unchecked)} & set(tables)
        triggers = "SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname LIKE '%_append_only'"
        assert [each["tgenabled"] for each in await driver.fetch(triggers)] == [b"O"]
    await asyncio.to_thread(check_drift, url)
    waiting = await house.prevention_reader.reminders_page(
        world.ivo.as_actor(), ReminderFilter(ReminderKind.WAITING), PageRequest()
    )
    assert [each.reminder.rung.value for each in waiting.items] == ["T+7"]
