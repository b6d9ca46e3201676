"""A tenant that cannot be evaluated waits by itself, the vendor too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from jobs.compliance import COMPLIANCE_DUTIES, mind_compliance
from jobs.workbench import Workbench
from trust_portal.access.actors import CONSOLE
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds
from trust_portal.storage.tenancy import TenantScope

_DAY = timedelta(days=1)


async def _round(house: House) -> list[UUID]:
    """The clockwork once, and what it asks for; nothing is left in the outbox, whatever became of it."""
    await mind_compliance(house)
    query = select(outbox.c.id, outbox.c.arguments).where(outbox.c.job == Job.EVALUATE_COMPLIANCE.value)
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        asked = (await session.execute(query)).all()
    bench = Workbench(house, Backlog(house.storage))
    for row in asked:
        await bench.attempt(COMPLIANCE_DUTIES[0], str(row.id), 0)
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        assert (await session.execute(query)).all() == []
    # Jobs of one millisecond have no order.
    return sorted(UUID(row.arguments["tenant_id"]) for row in asked)


@pytest.mark.parametrize("vendor_itself", [True, False])
async def test_a_tenant_that_cannot_be_evaluated_holds_up_no_other_and_leaves_no_failed_jobs(
    house: House, vendor: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, vendor_itself: bool
) -> None:
    acme, globex = await vendor.customer("acme"), await vendor.customer("globex")
    clock.advance(_DAY)
    hurt = VENDOR_ID if vendor_itself else acme
    evaluate = type(house.compliance)._evaluate

    async def fails_for_one(compliance: Any, command: Any, *arguments: Any) -> Any:
        if command.tenant_id == hurt:
            raise ZeroDivisionError("facts nobody foresaw")
        return await evaluate(compliance, command, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(type(house.compliance), "_evaluate", fails_for_one)
        assert [await _round(house) for _ in range(3)] == [[VENDOR_ID], sorted([acme, globex]), []]
    (setback,) = await Rounds(house.storage).setbacks()
    assert (setback.round, setback.subject, setback.failures) == (Round.EVALUATE_COMPLIANCE, hurt, 1)
    assert await house.compliance.newest(CONSOLE, globex) is not None
    assert await house.compliance.newest(CONSOLE, hurt) is None
    clock.advance(FIRST_WAIT)
    assert await _round(house) == [hurt]
    assert await house.compliance.newest(CONSOLE, hurt) is not None
    assert await Rounds(house.storage).setbacks() == ()
