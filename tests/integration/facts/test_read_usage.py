"""What was used and what it cost, exact and by the hour; and what roll-ups are told to look at anew."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from intake_door import JUNE, Door, fact

from trust_portal.facts.usage import read_usage
from trust_portal.facts.usage_batches import (
    settle_usage_batches,
    tenants_with_usage_touched,
    usage_hours_touched,
    usage_waiting_since,
)
from trust_portal.storage.tenancy import TenantScope

END = JUNE.replace(month=7)


def used(id: str, hour: int, cost: str = "0.10", tenant: str = "acme", **more: Any) -> dict[str, Any]:
    return fact(
        "usage.recorded", id, f"2026-06-02T{hour:02d}:59:59.999999Z",
        **{"tenant": tenant, "subsystem": "egress", "resource": "lb", "operation": "get", "region": "eu", "quantity": 0.1,
           "unit": "GB", "cost": cost, "currency": "EUR"} | more,
    )  # fmt: skip


def at(hour: int) -> datetime:
    return JUNE.replace(day=2, hour=hour)


async def totals(door: Door) -> list[tuple[int, Decimal, Decimal, int]]:
    async with door.storage.read(TenantScope(door.acme)) as session:
        found = await read_usage(session, door.acme, "egress", JUNE, END)
    return [(each.hour.hour, each.quantity, each.cost, each.events) for each in found]


async def settle(door: Door) -> set[tuple[str, datetime]]:
    async with door.storage.write(TenantScope(door.acme)) as session:
        touched = await usage_hours_touched(session, door.acme)
        await settle_usage_batches(session, door.acme, touched)
    return set(touched.hours)


async def test_usage_is_summed_exactly_by_hour_and_dimension(door: Door) -> None:
    outcome = await door.deliver(
        used("1", 3), used("2", 3, "0.000000000002"), used("3", 3, "-0.05"), used("4", 4, labels={"team": "a"}),
        used("5", 4, subsystem="compute"), used("6", 3, tenant="globex"),
    )  # fmt: skip
    assert outcome.accepted == 6
    assert await totals(door) == [
        (3, Decimal("0.3"), Decimal("0.050000000002"), 3),
        (4, Decimal("0.1"), Decimal("0.10"), 1),
    ]
    assert await door.counts() == (0, 0)


async def test_dimensions_and_unknown_fields_are_kept(door: Door) -> None:
    await door.deliver(used("1", 3, labels={"team": "a"}, adapter="s3", colour="blue"))
    async with door.storage.read(TenantScope(door.acme)) as session:
        [found] = await read_usage(session, door.acme, "egress", JUNE, END)
    assert (found.resource, found.operation, found.region, found.adapter) == ("lb", "get", "eu", "s3")
    assert (found.labels, found.unit, found.currency) == ({"team": "a"}, "GB", "EUR")
    assert await door.rows("SELECT source, event_id, extras FROM usage") == [
        ("urn:vendor:ops", "1", {"colour": "blue"})
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["after it", "before it"])
async def test_a_replaced_event_no_longer_counts_whenever_its_replacement_comes(
    door: Door, order: tuple[int, int]
) -> None:
    events = used("1", 3, "9"), used("2", 5, "7", correction_of="1")
    for index in order:
        await door.deliver(events[index])
    assert await totals(door) == [(5, Decimal("0.1"), Decimal(7), 1)]


async def test_of_two_replacements_the_last_received_counts(door: Door) -> None:
    await door.deliver(used("1", 3, "9"))
    await door.deliver(used("2", 3, "7", correction_of="1"), used("3", 3, "8", correction_of="2"))
    assert [cost for _, _, cost, _ in await totals(door)] == [Decimal(8)]


async def test_each_commit_says_which_hours_it_touched_until_that_is_settled(door: Door) -> None:
    await door.deliver(used("1", 3), used("2", 3), used("3", 4, subsystem="compute"))
    async with door.storage.read(TenantScope(door.acme)) as session:
        assert await tenants_with_usage_touched(session, 10) == (door.acme,)
    assert await settle(door) == {("egress", at(3)), ("compute", at(4))}
    assert await settle(door) == set()
    await door.deliver(used("1", 3))
    assert await settle(door) == set()


async def test_a_replacement_touches_the_hour_of_what_it_replaces(door: Door) -> None:
    await door.deliver(used("1", 3))
    await settle(door)
    await door.deliver(used("2", 5, correction_of="1"))
    assert await settle(door) == {("egress", at(3)), ("egress", at(5))}


async def test_what_commits_while_a_roll_up_runs_is_left_for_the_next(door: Door) -> None:
    await door.deliver(used("1", 3))
    async with door.storage.write(TenantScope(door.acme)) as session:
        touched = await usage_hours_touched(session, door.acme)
        await door.deliver(used("2", 3))
        await settle_usage_batches(session, door.acme, touched)
    assert await settle(door) == {("egress", at(3))}


async def test_since_when_something_of_some_hours_waits_to_be_rolled_up_is_known_until_it_is(
    door: Door,
) -> None:
    async def waiting(first: int, last: int) -> datetime | None:
        async with door.storage.read(TenantScope(door.acme)) as session:
            return await usage_waiting_since(session, door.acme, at(first), at(last))

    assert await waiting(0, 23) is None
    await door.deliver(used("1", 3), used("2", 9, tenant="globex"))
    ((received,),) = await door.rows(
        "SELECT received_at FROM usage_batches b JOIN tenants t USING (tenant_id) WHERE t.key = 'acme'"
    )
    assert [await waiting(*each) for each in ((0, 23), (3, 4), (0, 3), (4, 23))] == [
        received, received, None, None,
    ]  # fmt: skip
    await settle(door)
    assert await waiting(0, 23) is None
    await door.deliver(used("3", 20, correction_of="1"))
    assert await waiting(3, 4) is not None, "what it replaces may have been used at any hour"
