"""Whoever merges an incident, plans for it or signs its postmortem waits for the other, and sees what they did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from support.learning_world import Vendor, declared, named
from support.postmortem_desk import Desk, desk_of

from trust_portal.errors import Conflict, Refused
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions import repository
from trust_portal.learning.actions.model import ActionState
from trust_portal.learning.incidents import following
from trust_portal.learning.incidents.acts_model import MergeIncident
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.postmortems import signing
from trust_portal.learning.postmortems.model import Postmortem, PostmortemState, Sign
from trust_portal.storage.tenancy import TenantScope

pytestmark = pytest.mark.takes(seconds=40)
_WITHDRAWING = "withdraw_what_goes_on_elsewhere"
_WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE NOT granted AND datname = current_database()"
)
Act = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture
async def desk(vendor: Vendor) -> Desk:
    return await desk_of(
        vendor,
        declared("INC-1", "P3", minute=20, tenants=["northwind"]),
        declared("INC-2", "P1", minute=10, tenants=["contoso"]),
    )


async def merge(desk: Desk) -> Incident:
    command = MergeIncident(named("INC-2"), "The same", into_id=named("INC-1"))
    return await desk.house.incidents.tell(command, desk.writer)


async def sign(desk: Desk, command: Sign) -> Postmortem:
    return await desk.house.postmortem_signing.sign(command, desk.owner)


async def interleaved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, at: tuple[Any, str], first: Act, second: Act
) -> list[Any]:
    """``first`` stops in its transaction once it has done what is named by ``at``; ``second`` begins, and ends or
    waits for a lock; then ``first`` goes on to its commit. What came of both.
    """
    reached, go = asyncio.Event(), asyncio.Event()
    done: Callable[..., Awaitable[Any]] = getattr(*at)

    async def stopping(*arguments: Any) -> Any:
        found = await done(*arguments)
        if not reached.is_set():
            reached.set()
            await go.wait()
        return found

    monkeypatch.setattr(*at, stopping)
    one, there = asyncio.create_task(first()), asyncio.create_task(reached.wait())
    await asyncio.wait([one, there], return_when=asyncio.FIRST_COMPLETED)
    assert there.done(), one
    two = asyncio.create_task(second())
    while not two.done():
        async with desk.house.storage.read(TenantScope(VENDOR_ID)) as session:
            if (await session.execute(_WAITING)).scalar_one():
                break
    go.set()
    return await asyncio.gather(one, two, return_exceptions=True)


async def states(desk: Desk, postmortem: Postmortem) -> list[ActionState]:
    found = await desk.house.prevention_reader.of_postmortem(desk.owner, postmortem.id)
    return [each.state for each in found]


async def test_nobody_signs_for_what_a_merger_withdraws_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = await desk.accepted(await desk.postmortem("INC-2"))
    desk.vendor.clock.advance(timedelta(minutes=1))
    command = await desk.sign_command(accepted)
    merged, refused = await interleaved(
        desk, monkeypatch, (following, _WITHDRAWING), lambda: merge(desk), lambda: sign(desk, command)
    )
    assert merged.ends_in == named("INC-1")
    assert isinstance(refused, Refused), refused
    assert refused.code == "ACTIONS_REQUIRED"
    assert await states(desk, accepted) == [ActionState.WITHDRAWN]
    after = await desk.again(accepted)
    assert (after.signed, after.state, after.steps) == (None, PostmortemState.IN_REVIEW, accepted.steps)


async def test_a_merger_withdraws_nothing_that_is_signed_for_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = await desk.accepted(await desk.postmortem("INC-2"))
    desk.vendor.clock.advance(timedelta(minutes=1))
    command = await desk.sign_command(accepted)
    signed, merged = await interleaved(
        desk, monkeypatch, (signing, _WITHDRAWING), lambda: sign(desk, command), lambda: merge(desk)
    )
    assert (signed.state, merged.ends_in) == (PostmortemState.SIGNED, named("INC-1"))
    assert await states(desk, accepted) == [ActionState.OPEN]


async def test_nobody_plans_for_what_is_merged_meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    postmortem = await desk.postmortem("INC-2")
    merged, refused = await interleaved(
        desk, monkeypatch, (following, _WITHDRAWING), lambda: merge(desk), lambda: desk.plan(postmortem)
    )
    assert merged.ends_in == named("INC-1")
    assert isinstance(refused, Conflict), refused
    assert refused.code == "MERGED"
    assert await states(desk, postmortem) == []


async def test_a_merger_withdraws_what_is_planned_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    postmortem = await desk.postmortem("INC-2")
    planned, merged = await interleaved(
        desk, monkeypatch, (repository, "add_action"), lambda: desk.plan(postmortem), lambda: merge(desk)
    )
    assert (planned.state, merged.ends_in) == (ActionState.OPEN, named("INC-1"))
    assert await states(desk, postmortem) == [ActionState.WITHDRAWN]
