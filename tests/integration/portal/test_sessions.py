"""Coming in, staying, and going out: cookies as browsers get them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import GrantRole
from trust_portal.access.sessions.model import Client
from trust_portal.access.sign_in.links import LINK_PATH
from trust_portal.kernel.actor import Role
from trust_portal.web.authentication import cookie_name

COOKIE = cookie_name(secure=True)


async def test_a_link_is_spent_by_the_button_and_not_by_looking(portal: Portal):
    aurora = portal.world.aurora
    link = await portal.house.sign_in_links.create(CONSOLE, aurora.id, aurora.person, brought_by=())
    path = link.url.removeprefix("https://trust.example")
    async with portal.browser() as browser:
        for _ in range(2):
            assert "It works once" in (await browser.get(path)).text
        entered = await browser.post(path)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        line = entered.headers["set-cookie"]
        assert line.startswith(f"{COOKIE}=")
        assert line.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert (await browser.get("/t/aurora")).status_code == 200
        again = await browser.post(path)
        assert again.status_code == 401
        assert "cannot be used" in again.text


async def test_a_page_asked_for_by_nobody_is_where_one_comes_to_after_signing_in(portal: Portal):
    async with portal.browser() as browser:
        sent = await browser.get("/t/aurora/reports?state=ok")
    assert sent.headers["location"] == "/sign-in?next=/t/aurora/reports%3Fstate%3Dok"


async def test_idle_sessions_end(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        portal.clock.advance(timedelta(hours=7))
        assert (await browser.get("/account")).status_code == 200
        portal.clock.advance(timedelta(hours=8, seconds=1))
        assert (await browser.get("/account")).status_code == 303


async def test_sessions_end_however_busy_they_are(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        for _ in range(24):
            portal.clock.advance(timedelta(hours=7))
            last = (await browser.get("/account")).status_code
        assert last == 303


async def test_a_change_of_roles_gives_the_browser_a_new_secret(portal: Portal):
    aurora = portal.world.aurora
    async with portal.browser("customer_viewer") as browser:
        me = await portal.house.people.by_email(CONSOLE, "customer_viewer@everybody.example")
        await portal.house.people.grant(GrantRole(aurora.id, me.id, Role.CUSTOMER_ADMIN), CONSOLE)
        old = browser.cookies[COOKIE]
        page = await browser.get("/t/aurora/people")
        assert page.status_code == 200
        assert browser.cookies[COOKIE] != old
        assert (await browser.get("/t/aurora/people")).status_code == 200


async def test_choosing_colours_does_not_lose_a_rotated_secret(portal: Portal):
    aurora = portal.world.aurora
    async with portal.browser("customer_viewer") as browser:
        me = await portal.house.people.by_email(CONSOLE, "customer_viewer@everybody.example")
        await portal.house.people.grant(GrantRole(aurora.id, me.id, Role.CUSTOMER_ADMIN), CONSOLE)
        old = browser.cookies[COOKIE]
        await browser.post("/theme", data={"theme": "dark", "next": "/account"})
        assert browser.cookies[COOKIE] != old
        assert (await browser.get("/account")).status_code == 200


async def test_signing_out_ends_the_session_at_the_server_too(portal: Portal):
    async with portal.browser("customer_viewer") as browser:
        cookie = browser.cookies[COOKIE]
        out = await browser.post("/sign-out")
        assert out.headers["location"] == "/sign-in"
        assert "Max-Age=0" in out.headers["set-cookie"]
    async with portal.browser(cookie=cookie) as thief:
        assert (await thief.get("/account")).status_code == 303


async def test_a_session_can_be_ended_from_another_one(portal: Portal):
    aurora = portal.world.aurora
    link = await portal.house.sign_in_links.create(CONSOLE, aurora.id, aurora.person, brought_by=())
    async with portal.browser() as browser:
        await browser.post(link.url.removeprefix("https://trust.example"))
        ended = await browser.post(f"/account/sessions/{aurora.session}/revoke")
        assert (ended.status_code, ended.headers["location"]) == (303, "/account")
    async with portal.browser("customer_admin") as admin:
        again = await admin.post(f"/account/sessions/{aurora.session}/revoke")
        assert again.status_code == 404


async def test_personas_exist_in_the_demonstration_only(portal: Portal):
    async with portal.browser() as browser:
        refused = await browser.post("/sign-in/persona", data={"role": "vendor_admin"})
        assert refused.status_code == 404
        assert "Walk in as" not in (await browser.get("/sign-in")).text


LINK = "mutation ($input: PersonInput!) { createSignInLink(input: $input) { url userErrors { code } } }"


@pytest.mark.parametrize("door", ["portal", "graphql"])
async def test_by_whose_links_somebody_came_in_goes_on_into_the_links_they_make_at_every_door(
    portal: Portal, door: str
):
    aurora = portal.world.aurora
    maker = await portal.house.people.by_email(CONSOLE, "vendor_admin@everybody.example")
    first = await portal.house.people.by_email(CONSOLE, "customer_admin@everybody.example")
    link = await portal.house.sign_in_links.create(
        maker.as_actor(), aurora.id, first.id, brought_by=(maker.id,)
    )
    async with portal.browser() as browser:
        entered = await browser.post(link.url.removeprefix("https://trust.example"))
        assert entered.status_code == 303
        if door == "portal":
            await browser.post(f"/t/aurora/people/{aurora.person}/link")
            made = (await browser.get("/t/aurora/people")).text
            (secret,) = set(re.findall(re.escape(LINK_PATH) + r"([^\"<]+)", made))
        else:
            asked = {
                "query": LINK,
                "variables": {"input": {"personId": encode("Person", aurora.id, aurora.person)}},
            }
            answer = (await browser.post("/graphql", json=asked)).json()["data"]["createSignInLink"]
            assert answer["userErrors"] == []
            secret = answer["url"].rpartition("/")[2]
    opened = await portal.house.sign_in_links.consume(secret, Client())
    assert set(opened.brought_by) == {maker.id, first.id}
