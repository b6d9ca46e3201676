"""Usage becomes hours, hours are watched, and what stands out becomes one anomaly with receipts."""

from __future__ import annotations

from decimal import Decimal

from support.cost_vendor import HOUR, START, Vendor, usage

from trust_portal.cost.anomalies.model import AnomalyFilter, AnomalyState, CostAnomaly
from trust_portal.cost.anomalies.repository import anomalies_page
from trust_portal.cost.detection.model import Direction
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import StaffScope

#: Ten days of ten euros an hour, then six hours of eighty.
SPIKE = range(240, 246)


def spiky(n: int) -> str:
    return "80.00" if n in SPIKE else f"{10 + (n % 3) / 10:.2f}"


def hours_of(anomaly: CostAnomaly) -> range:
    return range(int((anomaly.started_at - START) / HOUR), int((anomaly.last_at - START) / HOUR) + 1)


async def found(vendor: Vendor) -> list[CostAnomaly]:
    async with vendor.house.storage.read(StaffScope()) as session:
        page = await anomalies_page(session, AnomalyFilter(), PageRequest(100))
    return list(page.items)


async def test_a_spike_becomes_one_anomaly_with_exact_figures(vendor: Vendor) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(300), spiky)
    await vendor.close(300)

    (anomaly,) = await found(vendor)

    assert anomaly.started_at == START + 240 * HOUR
    assert anomaly.detected_at <= START + 241 * HOUR
    assert anomaly.last_at >= START + 245 * HOUR
    assert anomaly.figures.actual == sum(map(Decimal, map(spiky, hours_of(anomaly))))
    assert Decimal(400) < anomaly.figures.excess < Decimal(425)
    assert anomaly.state is AnomalyState.CLOSED
    assert anomaly.unexplained == anomaly.figures.excess > 0
    assert None not in {anomaly.opened_receipt_id, anomaly.closed_receipt_id}


async def test_hour_by_hour_finds_what_catching_up_finds(vendor: Vendor) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(238), spiky)
    for hour in range(238, 280):
        await vendor.use("acme", [hour], spiky)
        await vendor.close(hour + 1)
    (by_hour,) = await found(vendor)
    await vendor.tenant("globex")
    await vendor.use("globex", range(280), spiky)
    await vendor.close(280)

    at_once = next(each for each in await found(vendor) if each.tenant_id != by_hour.tenant_id)

    assert at_once.figures == by_hour.figures
    assert (at_once.started_at, at_once.peak_at, at_once.last_at, at_once.detected_at) == (
        by_hour.started_at, by_hour.peak_at, by_hour.last_at, by_hour.detected_at,
    )  # fmt: skip
    assert at_once.state == by_hour.state


async def test_late_rows_and_corrections_change_the_figures_and_not_the_count(vendor: Vendor) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(300), spiky)
    await vendor.close(300)
    (before,) = await found(vendor)
    at = START + 242 * HOUR

    late = usage("acme", "late", at, "7.50")
    await vendor.deliver([late, late])
    await vendor.deliver([late])
    await vendor.close()
    (after,) = await found(vendor)
    assert after.figures.actual == before.figures.actual + Decimal("7.50")
    assert after.id == before.id
    assert after.revision == before.revision + 1
    assert after.closed_receipt_id != before.closed_receipt_id

    await vendor.deliver([usage("acme", "fix", at, "10.00", correction_of="acme-242")])
    await vendor.close()
    (corrected,) = await found(vendor)
    assert corrected.id == before.id
    assert corrected.figures.actual == after.figures.actual - Decimal("70.00")

    for n in SPIKE:
        original = "fix" if n == 242 else f"acme-{n}"
        await vendor.deliver([usage("acme", f"gone-{n}", START + n * HOUR, "10.00", correction_of=original)])
    await vendor.close()
    (gone,) = await found(vendor)
    assert gone.id == before.id
    assert gone.state is AnomalyState.CLOSED
    restored = [Decimal(10) if n in SPIKE else Decimal(spiky(n)) for n in hours_of(gone)]
    assert gone.figures.actual == sum(restored) + Decimal("7.50")


async def test_two_tenants_that_net_to_zero_are_two_anomalies_a_rise_and_a_drop(vendor: Vendor) -> None:
    """What one spends more for a day the other spends less, to the cent; together nothing happened."""
    moved = range(400, 424)
    tenants = {}
    for key, sign in (("acme", 1), ("globex", -1)):
        tenants[(await vendor.tenant(key)).id] = key
        await vendor.use(
            key, range(540), lambda n, sign=sign: f"{10 + (n % 3) / 10 + sign * (8 if n in moved else 0):.2f}"
        )
    await vendor.close(540)

    seen = {tenants[each.tenant_id]: each for each in await found(vendor)}

    rise, drop = seen["acme"], seen["globex"]
    assert len(await found(vendor)) == 2
    assert (rise.direction, drop.direction) == (Direction.UP, Direction.DOWN)
    assert (rise.started_at, drop.started_at) == (START + 400 * HOUR, START + 400 * HOUR)
    assert (rise.last_at, drop.last_at) == (START + 423 * HOUR, START + 423 * HOUR)
    assert Decimal(180) < rise.figures.excess < Decimal(200)
    assert Decimal(-200) < drop.figures.excess < Decimal(-180)
    assert rise.figures.actual + drop.figures.actual == sum(2 * (10 + Decimal(n % 3) / 10) for n in moved)
    assert drop.unexplained == drop.figures.excess
    assert None not in {drop.opened_receipt_id, drop.closed_receipt_id}


async def test_a_rise_within_a_drop_is_an_anomaly_of_its_own(vendor: Vendor) -> None:
    def cost(n: int) -> str:
        return "90.00" if 420 <= n < 423 else "1.00" if 400 <= n < 430 else f"{10 + (n % 3) / 10:.2f}"

    await vendor.tenant("acme")
    await vendor.use("acme", range(470), cost)
    await vendor.close(470)

    assert {each.direction: each.started_at for each in await found(vendor)} == {
        Direction.DOWN: START + 400 * HOUR,
        Direction.UP: START + 420 * HOUR,
    }
