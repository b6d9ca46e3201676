"""What goes wrong with one customer's cost stays its own: it is named, waits, and is made good by itself."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from support.cost_vendor import HOUR, START, Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.anomalies.states import ClosingScope
from trust_portal.cost.budgets import alerting
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.errors import Broken, Unavailable
from trust_portal.storage.rounds import LONGEST_WAIT, Round, Rounds
from trust_portal.storage.tenancy import StaffScope

MINUTE = timedelta(minutes=1)


async def set_back(vendor: Vendor) -> list[tuple[str, UUID, int, str, timedelta]]:
    now = vendor.clock.now()
    return [
        (each.round, each.subject, each.failures, each.error, each.retry_at - now)
        for each in await Rounds(vendor.house.storage).setbacks()
    ]


async def closed(vendor: Vendor) -> dict[UUID, int | None]:
    """How many hours of each are closed, from ``START`` on."""
    async with vendor.house.storage.read(StaffScope()) as session:
        rows = await session.execute(text("SELECT tenant_id, closed_through FROM metering_progress"))
        return {
            row.tenant_id: None
            if row.closed_through is None
            else int((row.closed_through - START) / HOUR) + 1
            for row in rows
        }


async def test_usage_that_cannot_be_taken_in_waits_and_its_customer_is_not_judged_meanwhile(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    for key in ("acme", "globex"):
        await vendor.use(key, range(20))
    await vendor.close(20)
    for key in ("acme", "globex"):
        await vendor.use(key, range(20, 30))
    vendor.until(START + 30 * HOUR + 15 * MINUTE)
    metering = vendor.house.metering
    derive = metering.derive

    async def poisoned(session: Any, tenant_id: UUID, touched: Any) -> Any:
        if tenant_id == acme.id:
            raise ZeroDivisionError("no such price")
        return await derive(session, tenant_id, touched)

    monkeypatch.setattr(metering, "derive", poisoned)
    assert await metering.follow() == 1
    await vendor.house.closing.close_due()

    assert await set_back(vendor) == [(Round.ROLL_UP_USAGE, acme.id, 1, "ZeroDivisionError", MINUTE)]
    assert await closed(vendor) == {acme.id: 20, globex.id: 30}
    assert (await metering.is_behind(), await vendor.house.closing.is_due()) == (False, False)

    for failures, wait in ((2, 2), (3, 4)):
        vendor.clock.advance((wait // 2) * MINUTE)
        assert await metering.is_behind()
        assert await metering.follow() == 0
        assert await set_back(vendor) == [
            (Round.ROLL_UP_USAGE, acme.id, failures, "ZeroDivisionError", wait * MINUTE)
        ]

    monkeypatch.undo()
    assert await metering.follow() == 0, "not before its time"
    vendor.clock.advance(4 * MINUTE)
    assert await metering.follow() == 1
    await vendor.close()
    assert await closed(vendor) == {acme.id: 30, globex.id: 30}
    assert await set_back(vendor) == []


async def test_a_memory_of_the_detector_that_cannot_be_read_stops_one_close_of_many(vendor: Vendor) -> None:
    keys = [f"tenant{n}" for n in range(7)]
    tenants = {key: (await vendor.tenant(key)).id for key in keys}
    for key in keys:
        await vendor.use(key, range(20))
    await vendor.close(20)
    hurt = tenants["tenant3"]
    kept = await _memory(vendor, hurt)
    await _remember(vendor, hurt, b"\xc1no memory")
    for key in keys:
        await vendor.use(key, range(20, 30))

    await vendor.close(30)

    assert await closed(vendor) == {each: 20 if each == hurt else 30 for each in tenants.values()}
    assert await set_back(vendor) == [(Round.CLOSE_COST_HOURS, hurt, 1, "DecodeError", MINUTE)]
    assert not await vendor.house.closing.is_due()

    await _remember(vendor, hurt, kept)
    vendor.clock.advance(MINUTE)
    assert await vendor.house.closing.is_due()
    assert await vendor.house.closing.close_due() == 1
    assert (set((await closed(vendor)).values()), await set_back(vendor)) == ({30}, [])


async def test_a_budget_that_cannot_be_judged_keeps_no_other_customer_from_being_warned(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, globex = await vendor.tenant("acme"), await vendor.tenant("globex")
    for tenant in (acme, globex):
        budget = SetBudget(tenant.id, None, "EUR", Decimal(100), date(2026, 6, 1), "agreed")
        await vendor.house.budgets.set(budget, CONSOLE)
        await vendor.use(tenant.key, range(30))
    findings = alerting.findings

    def poisoned(book: Any, spending: Any, rate: float) -> Any:
        if spending.tenant_id == acme.id:
            raise Broken("the budget is not what its receipt says", code="BUDGET_DISAGREES")
        return findings(book, spending, rate)

    monkeypatch.setattr(alerting, "findings", poisoned)
    await vendor.close(30)

    warned = [bool(await vendor.house.budgets.alerts(CONSOLE, each.id)) for each in (acme, globex)]
    assert warned == [False, True]
    (setback,) = await set_back(vendor)
    assert setback == (Round.LOOK_AT_BUDGETS, acme.id, 1, "BUDGET_DISAGREES", LONGEST_WAIT)
    assert not await vendor.house.budget_alerts.is_due()

    monkeypatch.undo()
    vendor.clock.advance(LONGEST_WAIT)
    assert await vendor.house.budget_alerts.is_due()
    await vendor.house.budget_alerts.look()
    assert await vendor.house.budgets.alerts(CONSOLE, acme.id)
    assert await set_back(vendor) == []


async def test_a_database_that_is_away_is_nobodys_fault(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vendor.tenant("acme")
    await vendor.use("acme", range(2))

    async def away(*_: Any) -> Any:
        raise Unavailable("the database does not answer; try again")

    monkeypatch.setattr(vendor.house.metering, "derive", away)
    with pytest.raises(Unavailable):
        await vendor.house.metering.follow()
    assert await set_back(vendor) == []
    assert await vendor.house.metering.is_behind()


async def _memory(vendor: Vendor, tenant_id: UUID) -> bytes:
    async with vendor.house.storage.read(StaffScope()) as session:
        query = text(
            "SELECT state FROM detector_states WHERE tenant_id = :tenant ORDER BY through DESC LIMIT 1"
        )
        return bytes((await session.execute(query, {"tenant": tenant_id})).scalar_one())


async def _remember(vendor: Vendor, tenant_id: UUID, state: bytes) -> None:
    async with vendor.house.storage.write(ClosingScope()) as session:
        change = text(
            "UPDATE detector_states SET state = :state WHERE tenant_id = :tenant AND through ="
            " (SELECT max(through) FROM detector_states WHERE tenant_id = :tenant)"
        )
        await session.execute(change, {"tenant": tenant_id, "state": state})
