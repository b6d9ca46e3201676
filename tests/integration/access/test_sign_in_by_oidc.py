"""From the provider's word to a session of somebody the house knows."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import func, select
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, provider_process

from trust_portal.access.actors import CONSOLE
from trust_portal.access.sessions.model import Client, Method
from trust_portal.access.sign_in.oidc_sign_in import CALLBACK_PATH, connect_oidc
from trust_portal.access.tables import oidc_identities, people, sessions
from trust_portal.errors import Denied, NotSignedIn
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.storage.tenancy import StaffScope, TenantScope

BASE_URL = "https://trust.example"


@pytest.fixture(scope="module")
def issuer():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with provider_process(port, BASE_URL + CALLBACK_PATH) as issuer:
        yield issuer


@pytest.fixture
def clock():
    """The provider lives in the present, so we do."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def oidc(access, issuer):
    oidc = connect_oidc(
        access.storage,
        access.sessions,
        access.gate,
        access.ledger,
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        base_url=BASE_URL,
    )
    yield oidc
    await oidc.close()


async def answered(url, login):
    """What the provider sends the browser back with."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(f"{url}&login={login}")
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in back.items()}


@pytest.fixture
def sign_in(oidc):
    async def sign_in(login):
        url, transaction = await oidc.begin()
        return await oidc.finish(await answered(url, login), transaction, Client())

    return sign_in


@pytest.fixture
def connect(oidc):
    async def connect(signed_in, login):
        url, transaction = await oidc.begin_connecting(signed_in)
        await oidc.connect(await answered(url, login), transaction, signed_in)

    return connect


@pytest.fixture
def come_in(access):
    """By a link that ``maker`` makes."""

    async def come_in(person, maker=CONSOLE):
        link = await access.links.create(maker, person.tenant_id, person.id, brought_by=())
        return await access.links.consume(link.url.rpartition("/")[2], Client())

    return come_in


async def counted(access, tenant):
    async with access.storage.read(StaffScope()) as session:
        found = [(await session.execute(select(func.count()).select_from(people))).scalar_one()]
        found.append((await session.execute(select(func.count()).select_from(oidc_identities))).scalar_one())
    async with access.storage.read(TenantScope(tenant.id)) as session:
        query = select(func.count()).select_from(sessions).where(sessions.c.tenant_id == tenant.id)
        found.append((await session.execute(query)).scalar_one())
    return dict(zip(("people", "identities", "sessions"), found, strict=True))


async def test_a_verified_address_becomes_the_person_it_belongs_to(access, acme, member, sign_in):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)

    signed_in = await sign_in("vera")

    assert signed_in.actor == vera.as_actor()
    assert (await access.sessions.authenticate(signed_in.cookie)).actor == vera.as_actor()
    [listed] = await access.sessions.of_person(signed_in.actor, acme.id, vera.id)
    assert listed.method is Method.OIDC
    await sign_in("vera")
    assert await counted(access, acme) == {"people": 1, "identities": 1, "sessions": 2}


@pytest.mark.parametrize("login", ["stranger", "unverified", "verified-in-words", "other-nonce"])
async def test_whoever_is_not_known_for_sure_is_nobody_and_nothing_is_created(
    access, acme, member, sign_in, login
):
    for known in ("vera", "unverified", "verified-in-words", "other-nonce"):
        await member(acme, f"{known}@acme.example", Role.CUSTOMER_VIEWER)

    with pytest.raises(NotSignedIn) as refused:
        await sign_in(login)

    assert refused.value.code == "BAD_CREDENTIAL"
    assert await counted(access, acme) == {"people": 4, "identities": 0, "sessions": 0}


async def test_a_suspended_person_stays_out(access, acme, member, sign_in):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    await sign_in("vera")
    await access.people.suspend(CONSOLE, acme.id, vera.id)

    with pytest.raises(NotSignedIn):
        await sign_in("vera")

    assert await counted(access, acme) == {"people": 1, "identities": 1, "sessions": 1}


async def test_an_address_known_in_two_tenants_does_not_choose_one(access, acme, globex, member, sign_in):
    await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    await member(globex, "vera@acme.example", Role.CUSTOMER_ADMIN)

    with pytest.raises(NotSignedIn):
        await sign_in("vera")

    assert await counted(access, acme) == {"people": 2, "identities": 0, "sessions": 0}


async def test_a_customer_who_writes_down_the_address_of_the_vendors_people_keeps_none_of_them_out(
    access, acme, member, sign_in
):
    await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    vera = await member(None, "vera@acme.example", Role.SRE_OPERATOR)

    assert (await sign_in("vera")).actor == vera.as_actor()
    assert (await counted(access, acme))["sessions"] == 0


async def test_who_came_in_at_a_customer_before_the_vendor_knew_them_comes_in_at_the_vendor_after(
    access, acme, member, sign_in
):
    captured = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    assert (await sign_in("vera")).actor == captured.as_actor()
    hired = await member(None, "vera@acme.example", Role.SRE_OPERATOR)

    assert (await sign_in("vera")).actor == hired.as_actor()
    assert (await sign_in("vera")).actor == hired.as_actor()


async def test_whom_the_vendor_suspended_comes_in_nowhere_else_instead(access, acme, member, sign_in):
    vera = await member(None, "vera@acme.example", Role.SRE_OPERATOR)
    await sign_in("vera")
    await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    await access.people.suspend(CONSOLE, vera.tenant_id, vera.id)

    with pytest.raises(NotSignedIn):
        await sign_in("vera")
    assert await counted(access, acme) == {"people": 2, "identities": 1, "sessions": 0}


async def test_in_doubt_a_link_and_connecting_say_who_it_is_and_leave_a_receipt(
    access, acme, globex, member, sign_in, connect, come_in
):
    await member(globex, "vera@acme.example", Role.CUSTOMER_ADMIN)
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    with pytest.raises(NotSignedIn):
        await sign_in("vera")

    await connect(await come_in(vera), "vera")

    assert (await sign_in("vera")).actor == vera.as_actor()
    async with access.storage.read(TenantScope(acme.id)) as session:
        query = select(receipts.c.envelope).where(
            receipts.c.tenant_id == acme.id, receipts.c.kind == "sign_in.connected"
        )
        [envelope] = (await session.execute(query)).scalars()
    predicate = Statement.parse(Envelope.parse(envelope).payload).predicate
    assert predicate["actor"]["id"] == str(vera.id)
    assert predicate["result"]["person"] == str(vera.id)
    assert predicate["result"]["subject_sha256"] == sha256_hex(b"subject-of-vera")


async def test_who_came_in_at_the_wrong_customer_first_is_not_there_for_good(
    access, acme, globex, member, sign_in, connect, come_in
):
    """Globex wrote her address down before Acme did."""
    captured = await member(globex, "vera@acme.example", Role.CUSTOMER_VIEWER)
    assert (await sign_in("vera")).actor == captured.as_actor()
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    assert (await sign_in("vera")).actor == captured.as_actor()

    await connect(await come_in(vera), "vera")
    assert (await sign_in("vera")).actor == vera.as_actor()


async def test_who_came_in_before_comes_in_whoever_writes_the_address_down_after(
    access, acme, globex, member, sign_in
):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    await sign_in("vera")
    await member(globex, "vera@acme.example", Role.CUSTOMER_ADMIN)

    assert (await sign_in("vera")).actor == vera.as_actor()


async def test_connecting_takes_a_sign_in_of_just_now_and_changes_nothing_without(
    access, acme, member, oidc, connect, come_in, clock
):
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    signed_in = await come_in(vera)
    url, transaction = await oidc.begin_connecting(signed_in)
    params = await answered(url, "vera")
    clock.advance(timedelta(minutes=16))

    for late in (connect(signed_in, "vera"), oidc.connect(params, transaction, signed_in)):
        with pytest.raises(Denied) as refused:
            await late
        assert refused.value.code == "SIGN_IN_AGAIN"
    assert (await counted(access, acme))["identities"] == 0


async def test_an_identity_connected_after_coming_in_by_a_link_is_its_makers_as_the_link_was(
    access, member, sign_in, connect, come_in
):
    """Who made the link could connect an identity of their own, and come in by that ever after."""
    ann = await member(None, "ann@vendor.example", Role.VENDOR_ADMIN)
    sam = await member(None, "sam@vendor.example", Role.APPROVER_SECURITY)
    await connect(await come_in(sam, ann.as_actor()), "anns-other-account")

    signed_in = await sign_in("anns-other-account")

    assert (signed_in.actor, signed_in.brought_by) == (sam.as_actor(), (ann.id,))
    known = await access.sessions.authenticate(signed_in.cookie)
    assert known.brought_by == (ann.id,)
