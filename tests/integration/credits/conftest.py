"""One world, filled once and cloned per test; and what its people do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from credit_desk import (
    Desk,
    World,
    make_world,
    memo_bundle,
    open_house_at,
    promise,
    trust_of,
)
from support.sequencing import sequencing

from trust_portal.access.sessions.model import Client, Method
from trust_portal.app import create_app
from trust_portal.evidence import bundle
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.policy_file import Policy
from trust_portal.house import House
from trust_portal.kernel.clock import ManualClock
from trust_portal.storage.tenancy import TenantScope
from trust_portal.web.authentication import cookie_name

NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Template:
    database: str
    folder: Path
    world: World


@pytest.fixture(scope="session")
def template(server_thread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    folder, name = tmp_path_factory.mktemp("credits"), server_thread.clone()
    servers = server_thread.servers

    async def fill() -> World:
        house = open_house_at(servers.url_of(name), servers.redis_url, folder, ManualClock(NOW))
        try:
            return await make_world(house)
        finally:
            await house.close()

    yield Template(name, folder, asyncio.run(fill()))
    server_thread.drop(name)


@dataclass(frozen=True)
class Memo:
    """A credit memo's bundle as a customer downloads it, made once."""

    data: bytes
    policy: Policy
    keyring: Keyring

    @property
    def files(self) -> dict[str, bytes]:
        return dict(bundle.read(self.data).files)


@pytest.fixture(scope="session")
def memo(server_thread, template: Template) -> Iterator[Memo]:
    name = server_thread.clone(template.database)
    servers = server_thread.servers

    async def make() -> Memo:
        clock = ManualClock(NOW)
        house = open_house_at(servers.url_of(name), servers.redis_url, template.folder, clock)
        desk = Desk(house, template.world.acme, template.world.people)
        try:
            async with sequencing(house):
                await promise(house)
                await desk.sign()
                data = await memo_bundle(house, await desk.issued())
                return Memo(data, await trust_of(house, desk), house.keyring)
        finally:
            await house.close()

    yield asyncio.run(make())
    server_thread.drop(name)


@pytest.fixture
async def house(server_thread, template: Template, clock: ManualClock) -> AsyncIterator[House]:
    name = server_thread.clone(template.database)
    servers = server_thread.servers
    house = open_house_at(servers.url_of(name), servers.redis_url, template.folder, clock)
    yield house
    await house.close()
    server_thread.drop(name)


@pytest.fixture
def desk(house: House, template: Template) -> Desk:
    return Desk(house, template.world.acme, template.world.people)


@pytest.fixture
async def sequencer(house: House) -> AsyncIterator[None]:
    async with sequencing(house):
        yield


@pytest.fixture
async def browser(house: House, desk: Desk) -> AsyncIterator[Callable]:
    """``await browser("olive")``: somebody signed in."""
    app = create_app(house.settings)
    app.state.house = house
    opened: list[httpx.AsyncClient] = []

    async def signed_in(name: str) -> httpx.AsyncClient:
        person = desk.people[name]
        async with house.storage.write(TenantScope(person.tenant_id)) as session:
            cookie = (
                await house.sessions.open(session, person, Method.LINK, Client("Firefox/1 Linux"))
            ).cookie
        assert cookie is not None
        cookies = httpx.Cookies()
        cookies.set(cookie_name(secure=True), cookie, domain="trust.example")
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="https://trust.example",
            headers={"accept": "text/html,application/xhtml+xml", "sec-fetch-site": "same-origin"},
            cookies=cookies,
        )
        opened.append(client)
        return client

    yield signed_in
    for client in opened:
        await client.aclose()
