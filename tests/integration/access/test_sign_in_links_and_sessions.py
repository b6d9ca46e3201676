"""Coming in by a link, staying in, and being put out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from trust_portal.access.actors import CONSOLE
from trust_portal.access.credentials import parse_cookie
from trust_portal.access.people.model import GrantRole
from trust_portal.access.sessions.model import Client, Method
from trust_portal.access.tables import sessions, sign_in_links
from trust_portal.errors import Denied, NotFound, NotSignedIn
from trust_portal.kernel.actor import Role
from trust_portal.storage.tenancy import TenantScope

FIREFOX = Client("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\x00", "192.0.2.77")


@pytest.fixture
async def vera(acme, member):
    return await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)


@pytest.fixture
def come_in(access):
    async def come_in(person):
        link = await access.links.create(CONSOLE, person.tenant_id, person.id, brought_by=())
        return await access.links.consume(
            link.url.removeprefix("https://trust.example/sign-in/link/"), FIREFOX
        )

    return come_in


async def count_sessions(access, tenant_id):
    async with access.storage.read(TenantScope(tenant_id)) as session:
        query = select(func.count()).select_from(sessions).where(sessions.c.tenant_id == tenant_id)
        return (await session.execute(query)).scalar_one()


async def test_a_link_opens_a_session_with_the_persons_roles(access, vera, come_in):
    signed_in = await come_in(vera)

    assert signed_in.actor == vera.as_actor()
    again = await access.sessions.authenticate(signed_in.cookie)
    assert (again.session_id, again.actor, again.cookie) == (signed_in.session_id, vera.as_actor(), None)


async def test_only_hashes_are_stored(access, vera, come_in):
    signed_in = await come_in(vera)
    credential = parse_cookie(signed_in.cookie)

    async with access.storage.read(TenantScope(vera.tenant_id)) as session:
        rows = (await session.execute(select(sessions).where(sessions.c.tenant_id == vera.tenant_id))).all()
        links = (
            await session.execute(select(sign_in_links).where(sign_in_links.c.tenant_id == vera.tenant_id))
        ).all()
    assert rows[0].secret_hash == credential.hash
    assert credential.secret not in repr(rows) + repr(links) + repr(signed_in.actor) + repr(credential)


async def test_twenty_at_once_spend_a_link_once(access, vera):
    link = await access.links.create(CONSOLE, vera.tenant_id, vera.id, brought_by=())
    secret = link.url.rpartition("/")[2]

    answers = await asyncio.gather(
        *(access.links.consume(secret, FIREFOX) for _ in range(20)), return_exceptions=True
    )

    assert sum(isinstance(answer, NotSignedIn) for answer in answers) == 19
    assert await count_sessions(access, vera.tenant_id) == 1


async def test_every_bad_link_gets_the_same_answer_and_opens_nothing(access, acme, globex, vera, clock):
    spent = (await access.links.create(CONSOLE, acme.id, vera.id, brought_by=())).url.rpartition("/")[2]
    await access.links.consume(spent, FIREFOX)
    replaced = (await access.links.create(CONSOLE, acme.id, vera.id, brought_by=())).url.rpartition("/")[2]
    late = (await access.links.create(CONSOLE, acme.id, vera.id, brought_by=())).url.rpartition("/")[2]
    clock.advance(timedelta(hours=24))
    foreign = f"{globex.id.hex}.{late.partition('.')[2]}"
    flipped = late[:-1] + ("A" if late[-1] != "A" else "B")

    answers = set()
    for secret in (spent, replaced, late, foreign, flipped, "", "no link at all", "é" * 76):
        with pytest.raises(NotSignedIn) as refused:
            await access.links.consume(secret, FIREFOX)
        answers.add((refused.value.message, refused.value.code))

    assert answers == {("this link is spent or too old; ask for a new one", "BAD_CREDENTIAL")}
    assert await count_sessions(access, acme.id) == 1


@pytest.mark.parametrize("at_vendor", [False, True])
async def test_a_link_ends_with_the_access_of_whoever_made_it(access, acme, vera, member, at_vendor):
    """Else whoever is put out comes in again, as somebody else."""
    house, role = (None, Role.VENDOR_ADMIN) if at_vendor else (acme, Role.CUSTOMER_ADMIN)
    maker = await member(house, "ada@admin.example", role)
    link = await access.links.create(maker.as_actor(), acme.id, vera.id, brought_by=())
    await access.people.suspend(CONSOLE, maker.tenant_id, maker.id)
    with pytest.raises(NotSignedIn, match="spent or too old"):
        await access.links.consume(link.url.rpartition("/")[2], FIREFOX)
    assert await count_sessions(access, acme.id) == 0


@pytest.mark.parametrize("at_vendor", [False, True])
async def test_a_link_ends_with_the_right_of_whoever_made_it(access, acme, vera, member, at_vendor):
    house, role = (None, Role.VENDOR_ADMIN) if at_vendor else (acme, Role.CUSTOMER_ADMIN)
    maker = await member(house, "ada@admin.example", role)
    link = await access.links.create(maker.as_actor(), acme.id, vera.id, brought_by=())
    await access.people.revoke(CONSOLE, maker.tenant_id, maker.id, role)
    with pytest.raises(NotSignedIn, match="spent or too old"):
        await access.links.consume(link.url.rpartition("/")[2], FIREFOX)
    assert await count_sessions(access, acme.id) == 0
    await access.people.grant(GrantRole(maker.tenant_id, maker.id, role), CONSOLE)
    signed_in = await access.links.consume(link.url.rpartition("/")[2], FIREFOX)
    assert signed_in.actor.id == vera.id, "it was not spent"


async def test_a_session_ends_when_idle_and_when_old(access, vera, come_in, clock):
    idle, busy = await come_in(vera), await come_in(vera)

    for _ in range(27):
        clock.advance(timedelta(hours=6))
        assert await access.sessions.authenticate(busy.cookie) is not None
    assert await access.sessions.authenticate(idle.cookie) is None
    clock.advance(timedelta(hours=6))
    assert await access.sessions.authenticate(busy.cookie) is None


async def test_last_seen_is_written_at_most_once_a_minute(access, vera, come_in, clock):
    signed_in = await come_in(vera)
    actor = signed_in.actor
    start = clock.now()

    async def last_seen():
        return (await access.sessions.of_person(actor, actor.tenant_id, actor.id))[0].last_seen_at

    clock.advance(timedelta(seconds=59))
    await access.sessions.authenticate(signed_in.cookie)
    assert await last_seen() == start
    clock.advance(timedelta(seconds=1))
    await access.sessions.authenticate(signed_in.cookie)
    assert await last_seen() == start + timedelta(seconds=60)


async def test_every_bad_cookie_is_nobody(access, globex, vera, come_in):
    signed_in = await come_in(vera)
    secret = signed_in.cookie.partition(".")[2]

    for cookie in (
        "",
        "nonsense",
        f"{globex.id.hex}.{secret}",
        f"{vera.tenant_id.hex}.{'A' * 43}",
        signed_in.cookie + "A",
        signed_in.cookie.upper(),
    ):
        assert await access.sessions.authenticate(cookie) is None


async def test_a_person_lists_own_sessions_and_ends_one_or_all_others(access, vera, come_in):
    first, second, third = [await come_in(vera) for _ in range(3)]
    actor = first.actor

    listed = await access.sessions.of_person(actor, actor.tenant_id, actor.id)
    assert {each.id for each in listed} == {first.session_id, second.session_id, third.session_id}
    assert {(each.method, each.client.address) for each in listed} == {(Method.LINK, "192.0.2.*")}
    assert "\x00" not in listed[0].client.user_agent

    await access.sessions.revoke(actor, actor.tenant_id, second.session_id)
    assert await access.sessions.authenticate(second.cookie) is None
    with pytest.raises(Denied):
        await access.sessions.revoke(actor, actor.tenant_id, second.session_id)
    assert await access.sessions.revoke_others(first) == 1
    assert await access.sessions.authenticate(third.cookie) is None
    assert await access.sessions.authenticate(first.cookie) is not None


async def test_nobody_ends_or_sees_somebody_elses_session(access, acme, globex, vera, come_in, member):
    signed_in = await come_in(vera)
    colleague = (await member(acme, "olga@acme.example", Role.CUSTOMER_VIEWER)).as_actor()
    stranger = (await member(globex, "gus@globex.example", Role.CUSTOMER_ADMIN)).as_actor()

    with pytest.raises(Denied):
        await access.sessions.revoke(colleague, acme.id, signed_in.session_id)
    with pytest.raises(Denied):
        await access.sessions.of_person(colleague, acme.id, vera.id)
    for tenant_id in (acme.id, globex.id):
        with pytest.raises(NotFound):
            await access.sessions.revoke(stranger, tenant_id, signed_in.session_id)

    assert await access.sessions.authenticate(signed_in.cookie) is not None


async def test_a_tenants_admin_puts_somebody_out(access, acme, vera, come_in, member):
    signed_in = await come_in(vera)
    admin = (await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)).as_actor()

    await access.sessions.revoke(admin, acme.id, signed_in.session_id)

    assert await access.sessions.authenticate(signed_in.cookie) is None


async def test_a_new_role_works_at_once_and_changes_the_secret(access, acme, vera, come_in, clock):
    before = await come_in(vera)
    await access.people.grant(GrantRole(acme.id, vera.id, Role.CUSTOMER_ADMIN), CONSOLE)

    after = await access.sessions.authenticate(before.cookie)
    assert after.actor.roles == {Role.CUSTOMER_VIEWER, Role.CUSTOMER_ADMIN}
    assert after.session_id == before.session_id
    assert after.cookie not in {None, before.cookie}

    under_way = await access.sessions.authenticate(before.cookie)
    assert (under_way.session_id, under_way.cookie) == (before.session_id, None)
    clock.advance(timedelta(seconds=31))
    assert await access.sessions.authenticate(before.cookie) is None
    assert await access.sessions.authenticate(after.cookie) is not None


async def test_of_many_requests_at_once_one_gets_the_new_secret(access, acme, vera, come_in):
    before = await come_in(vera)
    await access.people.grant(GrantRole(acme.id, vera.id, Role.CUSTOMER_ADMIN), CONSOLE)

    answers = await asyncio.gather(*(access.sessions.authenticate(before.cookie) for _ in range(8)))

    assert all(answer is not None for answer in answers)
    assert sum(answer.cookie is not None for answer in answers) == 1


async def test_nobody_of_a_departed_tenant_is_let_in(access, acme, vera, come_in):
    signed_in = await come_in(vera)
    link = await access.links.create(CONSOLE, acme.id, vera.id, brought_by=())

    await access.tenants.offboard(acme.id, CONSOLE)

    assert await access.sessions.authenticate(signed_in.cookie) is None
    with pytest.raises(NotSignedIn):
        await access.links.consume(link.url.rpartition("/")[2], FIREFOX)
