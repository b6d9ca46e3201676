"""The application over a clone of the world, without a network: for the tests of its doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from support.portal_world import BASE_URL, NOW, World, build_world, settings_of

from trust_portal.app import create_app
from trust_portal.house import House, build_house
from trust_portal.kernel.clock import ManualClock
from trust_portal.runtime.embedded import Servers
from trust_portal.web.authentication import cookie_name

HTML = "text/html,application/xhtml+xml"


@dataclass(frozen=True)
class Template:
    """The database that was filled once, the keys that signed in it, and what is in it."""

    database: str
    folder: Path
    world: World


@dataclass(frozen=True)
class Portal:
    """The application, its house, and browsers for anybody."""

    app: Starlette
    house: House
    clock: ManualClock
    world: World

    def browser(self, who: str | None = None, *, cookie: str | None = None) -> httpx.AsyncClient:
        """A browser in which ``who`` (a role's value, or the stranger) is signed in; nobody without."""
        value = cookie or (self.world.cookies[who] if who else None)
        cookies = httpx.Cookies()
        if value:
            cookies.set(cookie_name(secure=True), value, domain="trust.example")
        return self._client({"accept": HTML, "sec-fetch-site": "same-origin"}, cookies)

    def program(self, token: str | None) -> httpx.AsyncClient:
        """A program with a bearer token, or one without any credential."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return self._client(headers | {"accept": "application/json"}, httpx.Cookies())

    def _client(self, headers: dict[str, str], cookies: httpx.Cookies) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers, cookies=cookies)


@pytest.fixture(scope="session")
def portal_template(server_thread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    folder = tmp_path_factory.mktemp("portal")
    name = server_thread.clone()
    servers = server_thread.servers
    world = asyncio.run(build_world(servers.url_of(name), servers.redis_url, folder))
    yield Template(name, folder, world)
    server_thread.drop(name)


@pytest.fixture
async def portal(server_thread, portal_template: Template) -> AsyncIterator[Portal]:
    """A portal of the test's own, at ``NOW``."""
    name = server_thread.clone(portal_template.database)
    async with portal_over(server_thread.servers, name, portal_template) as portal:
        yield portal
    server_thread.drop(name)


@asynccontextmanager
async def portal_over(servers: Servers, database: str, template: Template) -> AsyncIterator[Portal]:
    """The application over a database that was cloned from the template's, or from one that was."""
    settings = settings_of(servers.url_of(database), servers.redis_url, template.folder)
    clock = ManualClock(NOW)
    house = build_house(settings, clock)
    app = create_app(settings)
    app.state.house = house
    await house.open()
    yield Portal(app, house, clock, template.world)
    await house.close()
