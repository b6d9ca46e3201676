"""From the provider's word to a session of somebody the house knows."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import func, select
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, provider_process

from trust_portal.access.actors import CONSOLE
from trust_portal.access.sessions.model import Client, Method
from trust_portal.access.sign_in.oidc_sign_in import CALLBACK_PATH, connect_oidc
from trust_portal.access.tables import oidc_identities, people, sessions
from trust_portal.errors import NotSignedIn
from trust_portal.kernel.actor import Role
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
async def sign_in(access, issuer):
    oidc = connect_oidc(
        access.storage,
        access.sessions,
        issuer=issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        base_url=BASE_URL,
    )

    async def sign_in(login):
        url, transaction = await oidc.begin()
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{url}&login={login}")
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        params = {name: values[0] for name, values in back.items()}
        return await oidc.finish(params, transaction, Client())

    yield sign_in
    await oidc.close()


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
