"""Sessions and one-time links are deleted thirty days after their end, and not a moment before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from trust_portal.access.actors import CONSOLE
from trust_portal.access.sessions import retention
from trust_portal.access.sessions.model import Client, Method
from trust_portal.access.sessions.retention import KEPT, SignInRetention
from trust_portal.access.tables import sessions, sign_in_links
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import Role
from trust_portal.storage.rounds import FIRST_WAIT, Round, Rounds
from trust_portal.storage.tenancy import TenantScope

MOMENT = timedelta(microseconds=1)
#: As ``conftest.access`` sets them.
IDLE, ABSOLUTE = timedelta(hours=8), timedelta(days=7)


@pytest.fixture
def pruning(access) -> SignInRetention:
    return SignInRetention(access.storage, idle=IDLE)


async def kept(access, tenant_id: UUID) -> tuple[set[UUID], set[UUID]]:
    """The ids of sessions and of links that there are."""
    async with access.storage.read(TenantScope(tenant_id)) as session:
        found = [
            {row.id for row in await session.execute(select(each.c.id).where(each.c.tenant_id == tenant_id))}
            for each in (sessions, sign_in_links)
        ]
    return found[0], found[1]


async def open_session(access, person) -> Any:
    async with access.storage.write(TenantScope(person.tenant_id)) as session:
        return await access.sessions.open(session, person, Method.LINK, Client("test", "192.0.2.7"))


async def test_a_session_goes_thirty_days_after_it_was_revoked(access, acme, member, clock, pruning):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    revoked, used = await open_session(access, vera), await open_session(access, vera)
    await access.sessions.revoke(vera.as_actor(), acme.id, revoked.session_id)
    clock.advance(KEPT - MOMENT)
    used_later = await open_session(access, vera)
    assert await pruning.prune() == 0
    clock.advance(MOMENT)
    assert await pruning.prune() == 1
    assert (await kept(access, acme.id))[0] == {used.session_id, used_later.session_id}
    assert await access.sessions.authenticate(used_later.cookie) is not None, "nothing that lives is touched"


async def test_a_session_goes_thirty_days_after_it_fell_idle(access, acme, member, clock, pruning):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    await open_session(access, vera)
    clock.advance(IDLE + KEPT - MOMENT)
    assert await pruning.prune() == 0
    clock.advance(MOMENT)
    assert await pruning.prune() == 1
    assert await kept(access, acme.id) == (set(), set())


async def test_a_session_in_use_goes_thirty_days_after_its_last_day(access, acme, member, clock):
    never_idle = SignInRetention(access.storage, idle=timedelta(days=365))
    await open_session(access, await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER))
    clock.advance(ABSOLUTE + KEPT - MOMENT)
    assert await never_idle.prune() == 0
    clock.advance(MOMENT)
    assert await never_idle.prune() == 1


async def test_links_go_thirty_days_after_they_were_spent_or_too_old_and_their_receipts_stay(
    access, acme, member, clock, pruning
):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    wade = await member(acme, "wade@acme.example", Role.CUSTOMER_VIEWER)
    spent = await access.links.create(CONSOLE, acme.id, vera.id, brought_by=())
    await access.links.consume(spent.url.rpartition("/")[2], Client())
    waiting = await access.links.create(CONSOLE, acme.id, wade.id, brought_by=())
    assert len((await kept(access, acme.id))[1]) == 2
    clock.advance(KEPT)
    await pruning.prune()
    assert len((await kept(access, acme.id))[1]) == 1, "the one that was not spent ended a day later"
    clock.advance(waiting.expires_at - clock.now() + KEPT)
    await pruning.prune()
    assert (await kept(access, acme.id))[1] == set()
    async with access.storage.read(TenantScope(acme.id)) as session:
        query = select(receipts.c.id).where(
            receipts.c.tenant_id == acme.id, receipts.c.kind == "sign_in_link.created"
        )
        assert len((await session.execute(query)).all()) == 2


async def test_a_tenant_whose_sign_ins_cannot_be_deleted_holds_up_no_other(
    access, acme, globex, member, clock, pruning, monkeypatch
):
    for tenant in (acme, globex):
        await open_session(access, await member(tenant, f"v@{tenant.key}.example", Role.CUSTOMER_VIEWER))
    clock.advance(IDLE + KEPT)
    remove = retention.delete_ended_links

    async def fails_for_one(session: Any, tenant_id: UUID, before: Any) -> int:
        if tenant_id == acme.id:
            raise ZeroDivisionError("a link nobody foresaw")
        return await remove(session, tenant_id, before)

    with monkeypatch.context() as patch:
        patch.setattr(retention, "delete_ended_links", fails_for_one)
        assert await pruning.prune() == 1
    assert [len((await kept(access, each.id))[0]) for each in (acme, globex)] == [1, 0], (
        "what failed changed nothing"
    )
    (setback,) = await Rounds(access.storage).setbacks()
    assert (setback.round, setback.subject) == (Round.PRUNE_SIGN_INS, acme.id)
    clock.advance(FIRST_WAIT)
    assert await pruning.prune() == 1
    assert await Rounds(access.storage).setbacks() == ()
