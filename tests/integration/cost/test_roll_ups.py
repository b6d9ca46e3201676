"""Roll-ups follow the facts, whatever comes in whatever order, and can always be derived anew."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from support.cost_vendor import HOUR, START, Vendor, usage

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.access.tenants.model import Tenant
from trust_portal.cli import cli
from trust_portal.cost.metering.model import Series
from trust_portal.cost.metering.rebuilding import RebuildRollUps
from trust_portal.cost.metering.repository import read_hours, read_parts
from trust_portal.cost.metering.service import Span
from trust_portal.cost.metering.tables import usage_hours, usage_parts
from trust_portal.errors import InvalidInput
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import Role
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope

HOURS = 4


async def derived(vendor: Vendor, tenant: Tenant) -> tuple[Any, ...]:
    async with vendor.house.storage.read(TenantScope(tenant.id)) as session:
        hours = await read_hours(session, tenant.id, START, START + HOURS * HOUR)
        series = sorted({each.series for each in hours})
        parts = [await read_parts(session, tenant.id, one, START, START + HOURS * HOUR) for one in series]
    return hours, parts


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Events with corrections, corrections of corrections and repetitions, in any order and cut anywhere."""
    made: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 12))):
        replaced = draw(st.none() | st.sampled_from([each["id"] for each in made])) if made else None
        at = START + timedelta(minutes=draw(st.integers(0, HOURS * 60 - 1)))
        made.append(
            usage(
                "acme",
                f"{number}",
                at,
                draw(st.decimals(-5, 5, places=4)),
                subsystem=draw(st.sampled_from(["compute", "egress"])),
                resource=draw(st.sampled_from(["a", "b"])),
                labels={"flag": draw(st.sampled_from(["on", "off"])), "pod": str(number)},
                correction_of=replaced,
            )
        )
    shuffled = draw(st.permutations([*made, *draw(st.lists(st.sampled_from(made), max_size=4))]))
    cut = draw(st.integers(0, len(shuffled)))
    return [each for each in (shuffled[:cut], shuffled[cut:]) if each]


async def test_what_was_followed_is_what_is_derived_anew(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    vendor.until(START + HOURS * HOUR)

    async def check(batches: list[list[dict[str, Any]]]) -> None:
        for batch in batches:
            await vendor.deliver(batch)
            await vendor.house.metering.follow()
        followed = await derived(vendor, acme)
        rebuilt = await vendor.house.rebuilding.rebuild(RebuildRollUps(acme.id, "A test"), CONSOLE)
        assert (rebuilt.identical, rebuilt.changed) == (True, 0)
        assert await derived(vendor, acme) == followed

    for run, batches in enumerate(examples()):
        await check([[_renamed(each, run) for each in batch] for batch in batches])


async def test_a_rebuild_that_is_stopped_and_begun_again_mends_what_was_damaged_and_says_so(
    vendor: Vendor,
) -> None:
    acme, weeks = await vendor.tenant("acme"), 3
    await vendor.use("acme", range(0, weeks * 168, 24))
    await vendor.close(weeks * 168)
    rebuild, scope = vendor.house.rebuilding.rebuild, TenantScope(acme.id)
    end = START + weeks * 168 * HOUR

    async def everything() -> tuple[Any, ...]:
        async with vendor.house.storage.read(scope) as session:
            hours = await read_hours(session, acme.id, START, end)
            return hours, await read_parts(session, acme.id, Series("compute", "EUR"), START, end)

    right = await everything()
    async with vendor.house.storage.write(scope) as session:
        for statement in (
            update(usage_hours)
            .where(usage_hours.c.tenant_id == acme.id, usage_hours.c.hour == START)
            .values(cost=99),
            delete(usage_parts).where(
                usage_parts.c.tenant_id == acme.id, usage_parts.c.hour >= START + 400 * HOUR
            ),
        ):
            await session.execute(statement)
    command, heard = RebuildRollUps(acme.id, "Rows were lost", START, end), []

    def killed(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuild(command, CONSOLE, killed)
    assert heard == [(1, 3), (2, 3)]
    assert (await receipts(vendor, acme)).count(ReceiptKind.COST_REBUILT) == 0

    mended = await rebuild(command, CONSOLE)
    again = await rebuild(command, CONSOLE)

    assert await everything() == right
    assert (mended.changed, mended.identical) == (1, False)  # the first week was mended before the stop
    assert (again.changed, again.before, again.after) == (0, mended.after, mended.after)
    assert (await receipts(vendor, acme))[:2] == [ReceiptKind.COST_REBUILT] * 2
    nobody = await vendor.tenant("nobody")
    with pytest.raises(InvalidInput, match="no usage"):
        await rebuild(RebuildRollUps(nobody.id, "Why"), CONSOLE)


async def test_from_a_shell_a_rebuild_tells_how_far_it_is_and_that_nothing_changed(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await vendor.tenant("acme")
    await vendor.use("acme", range(0, 200, 10))
    await vendor.close(200)
    known = vendor.house.settings
    for name, value in (("DATABASE_URL", known.database_url), ("REDIS_URL", known.redis_url)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KEY_FILE", str(known.key_file))
    arguments = ("cost", "rebuild", "--tenant", "acme", "--reason", "Labels", "--since", "2026-06-01")

    result = await asyncio.to_thread(CliRunner().invoke, cli, [*arguments, "--until", "2026-06-10"])

    assert result.exception is None
    assert result.stderr == "1 of 2 weeks\n2 of 2 weeks\n"
    assert "acme  2026-06-01 00:00 to 2026-06-10 00:00 UTC\n" in result.stdout
    assert "  as they were  receipt " in result.stdout
    assert (await receipts(vendor, acme))[0] is ReceiptKind.COST_REBUILT


async def receipts(vendor: Vendor, tenant: Tenant) -> list[ReceiptKind]:
    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), tenant.id, PageRequest(100))
    return [each.kind for each in page.items]


def _renamed(event: dict[str, Any], run: int) -> dict[str, Any]:
    data = dict(event["data"])
    if "correction_of" in data:
        data["correction_of"] = f"{run}-{data['correction_of']}"
    return {**event, "id": f"{run}-{event['id']}", "data": data}


def examples(count: int = 25) -> list[list[list[dict[str, Any]]]]:
    """Hypothesis draws, the test's own event loop runs: each example adds to what was there before."""
    drawn: list[list[list[dict[str, Any]]]] = []

    @settings(max_examples=count, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(deliveries())
    def draw(batches: list[list[dict[str, Any]]]) -> None:
        drawn.append(batches)

    draw()
    return drawn


async def test_hours_and_parts_are_exact_and_keep_only_the_labels_that_explain(vendor: Vendor) -> None:
    acme = await vendor.tenant("acme")
    vendor.until(START + HOUR)
    await vendor.deliver(
        usage(
            "acme",
            f"e{n}",
            START + timedelta(minutes=n),
            "0.000000000001",
            labels={"flag": "f", "pod": str(n)},
        )
        for n in range(3)
    )
    await vendor.house.metering.follow()

    span = Span(START, START + HOUR)
    (hour,) = await vendor.house.metering.hours(CONSOLE, acme.id, span)
    (part,) = await vendor.house.metering.parts(CONSOLE, acme.id, Series("compute", "EUR"), span)

    assert (hour.cost, hour.events) == (Decimal("0.000000000003"), 3)
    assert (part.cost, part.quantity, part.labels) == (hour.cost, Decimal(3), {"flag": "f"})


async def test_an_empty_queue_is_no_work(vendor: Vendor) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(2))

    assert await vendor.house.metering.is_behind()
    assert await vendor.house.metering.follow() == 1
    assert not await vendor.house.metering.is_behind()
    assert await vendor.house.metering.follow() == 0


async def test_a_tenants_first_hours_rolled_up_by_several_at_once_are_there_once(vendor: Vendor) -> None:
    """Before its first roll-up a tenant has no row to lock."""
    tenants = [await vendor.tenant(f"acme-{n}") for n in range(5)]
    for tenant in tenants:
        await vendor.use(tenant.key, range(300))

    await asyncio.gather(*(vendor.house.metering.follow() for _ in range(4)))

    assert not await vendor.house.metering.is_behind()
    for tenant in tenants:
        found = await vendor.house.metering.hours(CONSOLE, tenant.id, Span(START, START + 300 * HOUR))
        assert {each.cost for each in found} == {Decimal(10)}
        assert len(found) == 300
