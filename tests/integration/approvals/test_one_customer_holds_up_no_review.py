"""Reviews of emergency access that are owed are followed up customer by customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from dual_control import Desk
from glass import REASON, Scene
from sqlalchemy import delete, select

from trust_portal.access.break_glass import reviewing
from trust_portal.access.break_glass.model import OpenBreakGlass
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job, outbox
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds
from trust_portal.storage.tenancy import TenantScope

_HOUR = timedelta(hours=1)


async def test_a_review_that_cannot_be_asked_for_holds_up_no_other_customers(
    desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, house = await Scene(desk).cast(), desk.house
    for tenant in (desk.tenant, desk.stranger):
        command = OpenBreakGlass(tenant.id, REASON, _HOUR)
        await house.break_glass.open(command, await scene.by("iris"))
    clock.advance(_HOUR + timedelta(seconds=1))
    async with house.storage.write(TenantScope(VENDOR_ID)) as session:
        await session.execute(delete(outbox).where(outbox.c.job == Job.ATTEND_BREAK_GLASS.value))
    ask = reviewing._attend_later

    async def fails_for_one(session: Any, grant: Any, after: timedelta) -> None:
        if grant.tenant_id == desk.tenant.id:
            raise ZeroDivisionError("a grant nobody foresaw")
        await ask(session, grant, after)

    async def asked() -> set[str]:
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            query = select(outbox.c.arguments).where(outbox.c.job == Job.ATTEND_BREAK_GLASS.value)
            return {row.arguments["tenant"] for row in await session.execute(query)}

    with monkeypatch.context() as patch:
        patch.setattr(reviewing, "_attend_later", fails_for_one)
        await house.glass_reviews.follow_up()
    assert await asked() == {str(desk.stranger.id)}
    (setback,) = await Rounds(house.storage).setbacks()
    assert (setback.round, setback.subject) == (Round.FOLLOW_UP_REVIEWS, desk.tenant.id)
    clock.advance(FIRST_WAIT)
    await house.glass_reviews.follow_up()
    assert await asked() == {str(desk.stranger.id), str(desk.tenant.id)}
    assert await Rounds(house.storage).setbacks() == ()
