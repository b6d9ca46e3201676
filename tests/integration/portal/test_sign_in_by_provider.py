"""Coming in by the company's provider, as a browser does it: away, back, and in."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, provider_process
from support.portal_fixtures import Portal, Template
from support.portal_world import BASE_URL, settings_of

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.sign_in.oidc_sign_in import CALLBACK_PATH
from trust_portal.app import create_app
from trust_portal.house import build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.page import PageRequest


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with provider_process(port, BASE_URL + CALLBACK_PATH) as issuer:
        yield issuer


@pytest.fixture
async def portal(server_thread, portal_template: Template, issuer: str) -> AsyncIterator[Portal]:
    """The provider lives in the present, so this portal does."""
    name, servers = server_thread.clone(portal_template.database), server_thread.servers
    settings = settings_of(
        servers.url_of(name),
        servers.redis_url,
        portal_template.folder,
        oidc_issuer=issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )
    clock = ManualClock(datetime.now(UTC))
    house = build_house(settings, clock)
    app = create_app(settings)
    app.state.house = house
    vera = await house.people.add(
        AddPerson(portal_template.world.aurora.id, "vera@acme.example", "Vera"), CONSOLE
    )
    await house.people.grant(
        GrantRole(portal_template.world.aurora.id, vera.id, Role.CUSTOMER_VIEWER), CONSOLE
    )
    yield Portal(app, house, clock, portal_template.world)
    await house.close()
    server_thread.drop(name)


async def way_back(url: str, login: str) -> str:
    """What the provider answers the browser: where to go, with a code."""
    async with httpx.AsyncClient(trust_env=False) as provider:
        answer = await provider.get(f"{url}&login={login}")
    return answer.headers["location"].removeprefix(BASE_URL)


async def test_a_known_address_comes_in_where_it_wanted_to(portal: Portal):
    async with portal.browser() as browser:
        assert (
            'href="/sign-in/oidc?next=/t/aurora/reports"'
            in (await browser.get("/sign-in?next=/t/aurora/reports")).text
        )
        away = await browser.get("/sign-in/oidc?next=/t/aurora/reports")
        kept = away.headers["set-cookie"]
        assert kept.startswith("__Secure-trust-portal-oidc=")
        assert kept.endswith("; Path=/sign-in/oidc; Max-Age=600; HttpOnly; SameSite=Lax; Secure")
        back = await browser.get(await way_back(away.headers["location"], "vera"))
        assert (back.status_code, back.headers["location"]) == (303, "/t/aurora/reports")
        assert "__Secure-trust-portal-oidc=; Path=/sign-in/oidc; Max-Age=0" in back.headers["set-cookie"]
        assert (await browser.get("/t/aurora/reports")).status_code == 200


async def test_nobody_comes_in_on_what_another_browser_began(portal: Portal):
    async with portal.browser() as mine, portal.browser() as theirs:
        away = await mine.get("/sign-in/oidc")
        back = await way_back(away.headers["location"], "vera")
        stolen = await theirs.get(back)
        assert stolen.status_code == 401
        await theirs.get("/sign-in/oidc")
        assert (await theirs.get(back)).status_code == 401
        assert (await theirs.get("/account")).status_code == 303


async def test_an_answer_counts_once_and_strangers_do_not_come_in(portal: Portal):
    async with portal.browser() as browser:
        away = await browser.get("/sign-in/oidc")
        back = await way_back(away.headers["location"], "stranger")
        refused = await browser.get(back)
        assert refused.status_code == 401
        assert "brought nobody we know" in refused.text
        assert (await browser.get(back)).status_code == 401


async def test_whoever_is_signed_in_connects_their_companys_sign_in_and_comes_in_by_it(portal: Portal):
    world = portal.world
    await portal.house.people.add(AddPerson(world.brightside.id, "vera@acme.example", "Vera"), CONSOLE)
    people = await portal.house.people.page(CONSOLE, world.aurora.id, PageRequest(100))
    vera = next(each for each in people.items if each.email == "vera@acme.example")
    link = await portal.house.sign_in_links.create(CONSOLE, world.aurora.id, vera.id, brought_by=())
    async with portal.browser() as browser:
        assert await refused_by_provider(browser)
        await browser.post(link.url.removeprefix(BASE_URL))
        assert 'href="/sign-in/oidc/connect"' in (await browser.get("/account")).text
        across = await browser.get("/sign-in/oidc/connect", headers={"sec-fetch-site": "cross-site"})
        assert across.status_code == 403
        away = await browser.get("/sign-in/oidc/connect")
        back = await browser.get(await way_back(away.headers["location"], "vera"))
        assert (back.status_code, back.headers["location"]) == (303, "/account")
        assert (await browser.get("/account")).status_code == 200
    async with portal.browser() as browser:
        away = await browser.get("/sign-in/oidc")
        assert (await browser.get(await way_back(away.headers["location"], "vera"))).status_code == 303
        assert "Vera" in (await browser.get("/account")).text


async def refused_by_provider(browser: httpx.AsyncClient) -> bool:
    away = await browser.get("/sign-in/oidc")
    return (await browser.get(await way_back(away.headers["location"], "vera"))).status_code == 401


async def test_what_was_begun_to_connect_is_nothing_in_a_browser_that_is_not_signed_in(portal: Portal):
    async with portal.browser() as browser:
        away = await browser.get("/sign-in/oidc/connect")
        assert away.status_code in {303, 401}
        assert BASE_URL not in away.headers.get("location", "")
        assert "trust-portal-oidc" not in away.headers.get("set-cookie", "")
