"""What a budget brings about: a subsystem's an anomaly of its series, one of all of them an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from support.cost_vendor import HOUR, START, Vendor, usage
from support.thresholds_desk import open_desk

from trust_portal.access.actors import CONSOLE
from trust_portal.access.rights import actor_with
from trust_portal.cost.anomalies.model import AnomalyFilter
from trust_portal.cost.anomalies.suppressions_model import CreateSuppression
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.cost.budgets.alerts_model import AlertKind, BudgetAlert, Portion
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.cost.detection.model import Reason
from trust_portal.evidence.ledger import Receipt
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.tables import notifications
from trust_portal.storage.tenancy import TenantScope

JUNE = date(2026, 6, 1)


async def set_budget(vendor: Vendor, tenant_id, subsystem: str | None, amount: str | None) -> None:
    command = SetBudget(
        tenant_id, subsystem, "EUR", None if amount is None else Decimal(amount), JUNE, "agreed"
    )
    await vendor.house.budgets.set(command, CONSOLE)


async def alerts(vendor: Vendor, tenant_id) -> tuple[BudgetAlert, ...]:
    return await vendor.house.budgets.alerts(CONSOLE, tenant_id)


async def receipts(vendor: Vendor, tenant_id) -> list[Receipt]:
    page = await vendor.house.archive.receipts(actor_with(Role.VENDOR_ADMIN), tenant_id, PageRequest(100))
    return [each for each in page.items if each.kind is ReceiptKind.BUDGET_ALERTED]


async def told(vendor: Vendor, tenant_id) -> list[tuple[str, str]]:
    async with vendor.house.storage.read(TenantScope(tenant_id)) as session:
        rows = await session.execute(select(notifications).where(notifications.c.tenant_id == tenant_id))
        return [(row.title, row.path) for row in rows if row.topic == "budget.alert"]


async def use(vendor: Vendor, tenant: str, subsystem: str, hours: range, dear: str) -> None:
    """Ten an hour, and from hour 240 on ``dear``."""
    vendor.until(max(vendor.clock.now(), START + hours[-1] * HOUR))
    await vendor.deliver(
        usage(
            tenant, f"{tenant}-{subsystem}-{n}", START + n * HOUR, dear if n >= 240 else "10.00",
            subsystem=subsystem,
        )
        for n in hours
    )  # fmt: skip


async def test_a_budget_of_a_subsystem_reaches_the_detector_that_watches_it(vendor: Vendor) -> None:
    """Ten an hour becomes sixteen: too dull for the watch of what is usual, but one has a budget of ten."""
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    desk = await open_desk(vendor, acme)
    for each in (acme, globex):
        dull = SetThresholds(each.id, "compute", {"sensitivity": 0.1, "burn_rate": 1.2}, "a dull watch")
        await replace(desk, tenant=each).loosen(dull)
    await set_budget(vendor, acme.id, "compute", "7200.00")
    await set_budget(vendor, globex.id, "egress", "7200.00")
    for name in ("acme", "globex"):
        await vendor.use(name, range(270), lambda n: "16.00" if n >= 240 else "10.00")
    await vendor.close(270)

    (anomaly,) = (await vendor.house.anomalies.page(SYSTEM, AnomalyFilter(), PageRequest(10))).items

    assert (anomaly.tenant_id, anomaly.kind, anomaly.evidence["budget_per_hour"]) == (
        acme.id, Reason.BUDGET, "10.000000",
    )  # fmt: skip
    assert (anomaly.started_at, anomaly.detected_at) == (START + 246 * HOUR, START + 265 * HOUR)
    assert (anomaly.figures.actual, anomaly.figures.excess) == (Decimal("384.00"), Decimal("128.537474"))
    assert await alerts(vendor, acme.id) == (), "an anomaly says it already"


async def test_a_budget_of_everything_that_burns_is_an_alert_with_receipt_and_notification(
    vendor: Vendor,
) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    for each in (acme, globex):
        await set_budget(vendor, each.id, None, "14400.00")
    await set_budget(vendor, acme.id, "compute", "3100.00")
    for subsystem, dear in (("compute", "50.00"), ("egress", "40.00")):
        await use(vendor, acme.key, subsystem, range(253), dear)
        await use(vendor, globex.key, subsystem, range(254), "10.00")
    await vendor.close(253)
    assert await alerts(vendor, acme.id) == (), "thirteen dear hours are not three days' budget yet"

    for subsystem, dear in (("compute", "50.00"), ("egress", "40.00")):
        await use(vendor, acme.key, subsystem, range(253, 254), dear)
    await vendor.close(254)
    burning, used_up = await alerts(vendor, acme.id)

    assert (burning.kind, burning.subsystem, burning.spent, burning.allowed) == (
        AlertKind.BURNING, "", Decimal("1460.00"), Decimal("480.00"),
    )  # fmt: skip
    assert {name: each.spent for name, each in burning.portions.items()} == {
        "compute": Decimal("800.00"),
        "egress": Decimal("660.00"),
    }
    assert (burning.start, burning.end) == (START + 230 * HOUR, START + 254 * HOUR)
    assert (used_up.kind, used_up.subsystem, used_up.spent, used_up.allowed) == (
        AlertKind.USED_UP, "compute", Decimal("3100.00"), Decimal("3100.00"),
    )  # fmt: skip
    assert used_up.portions == {"compute": Portion(Decimal("3100.00"), None)}
    assert await alerts(vendor, globex.id) == ()
    assert {each.id for each in await receipts(vendor, acme.id)} == {burning.receipt_id, used_up.receipt_id}
    assert sorted(await told(vendor, acme.id)) == [
        ("Acme: the budget for all subsystems together burns too fast", "/t/acme/cost/budgets?month=2026-06"),
        ("Acme: the budget for compute is used up", "/t/acme/cost/budgets?month=2026-06"),
    ]

    for subsystem, dear in (("compute", "50.00"), ("egress", "40.00")):
        await use(vendor, acme.key, subsystem, range(254, 278), dear)
    await vendor.close(277)
    await vendor.house.budget_alerts.look()
    assert await alerts(vendor, acme.id) == (burning, used_up), "it was said within the day"
    await vendor.close(278)
    again, *before = await alerts(vendor, acme.id)
    assert (again.kind, again.hour, again.spent) == (
        AlertKind.BURNING, START + 277 * HOUR, Decimal("2160.00"),
    )  # fmt: skip
    assert tuple(before) == (burning, used_up)


async def test_a_suppression_of_everything_covers_a_budget_that_burns_and_a_withdrawn_one_is_silent(
    vendor: Vendor,
) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    for each in (acme, globex):
        await set_budget(vendor, each.id, None, "7200.00")
        await use(vendor, each.key, "compute", range(264), "50.00")
    await set_budget(vendor, globex.id, None, None)
    move = CreateSuppression(acme.id, None, "a move", START, START + 300 * HOUR)
    await vendor.house.suppressions.create(move, CONSOLE)

    await vendor.close(264)

    for each in (acme, globex):
        assert await alerts(vendor, each.id) == ()
        assert await receipts(vendor, each.id) == []
        assert await told(vendor, each.id) == []
