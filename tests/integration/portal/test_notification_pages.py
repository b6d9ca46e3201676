"""The bell, the inbox, what is mailed, endpoints and the delivery log, in a browser without scripts."""

from __future__ import annotations

import re

import pytest
from support.notify_world import NotifyWorld, spike
from support.portal_fixtures import Portal

from trust_portal.kernel.actor import Role
from trust_portal.notify.model import Audience
from trust_portal.notify.topics import Topic

ADMIN, VIEWER, OPERATOR, VENDOR = "customer_admin", "customer_viewer", "sre_operator", "vendor_admin"


@pytest.fixture
def told(portal: Portal) -> NotifyWorld:
    return NotifyWorld(portal.house, portal.clock)


async def spiked(portal: Portal, told: NotifyWorld, **more) -> None:
    announcement = spike(roles=(Role.CUSTOMER_ADMIN, Role.SRE_OPERATOR), path="/t/aurora/cost", **more)
    await told.announce(portal.world.aurora.id, announcement)
    await told.work()


async def test_the_bell_counts_until_the_notification_is_followed_to_what_it_is_about(
    portal: Portal, told: NotifyWorld
) -> None:
    async with portal.browser(ADMIN) as browser:
        assert "bell-count" not in (await browser.get("/notifications")).text
        await spiked(portal, told)
        await spiked(portal, told, key="anomaly/2")
        shown = (await browser.get("/t/aurora")).text
        assert '<span class="bell-count num">2<span class="hidden-visually"> not read</span></span>' in shown
        inbox = (await browser.get("/notifications")).text
        first = re.search(r'href="(/notifications/[0-9a-f-]{36})"', inbox)[1]
        followed = await browser.get(first)
        assert (followed.status_code, followed.headers["location"]) == (303, "/t/aurora/cost")
        assert '<span class="bell-count num">1<' in (await browser.get("/notifications")).text
        read = await browser.post("/notifications/read")
        assert (read.status_code, read.headers["location"]) == (303, "/notifications")
        after = (await browser.get("/notifications")).text
        assert "bell-count" not in after
        assert after.count("told-title") == 2


async def test_nobody_opens_what_lies_in_somebody_elses_inbox(portal: Portal, told: NotifyWorld) -> None:
    await spiked(portal, told)
    async with portal.browser(ADMIN) as browser, portal.browser(OPERATOR) as other:
        own = re.search(r'href="(/notifications/[0-9a-f-]{36})"', (await browser.get("/notifications")).text)[
            1
        ]
        assert (await other.get(own)).status_code == 404
        assert "New" in (await browser.get("/notifications")).text


async def test_what_is_mailed_is_chosen_and_what_must_be_stays(portal: Portal) -> None:
    async with portal.browser(OPERATOR) as browser:
        shown = (await browser.get("/account/notifications")).text
        assert re.search(r'value="kill_switch.pulled" checked disabled', shown)
        saved = await browser.post("/account/notifications", data={"topics": [Topic.ANOMALY_OPENED.value]})
        assert saved.headers["location"] == "/account/notifications?saved"
        shown = (await browser.get(saved.headers["location"])).text
        ticked = re.findall(r'name="topics" value="([a-z_.]+)" checked', shown)
        assert ticked == ["anomaly.opened", "break_glass", "kill_switch.pulled", "passkey.changed"]
        wrong = await browser.post("/account/notifications", data={"topics": ["nonsense"]})
        assert (wrong.status_code, "choose from what the form offers" in wrong.text) == (422, True)


async def test_an_endpoint_from_its_form_to_its_log_and_back_again(portal: Portal, told: NotifyWorld) -> None:
    async with portal.browser(ADMIN) as browser:
        refused = await browser.post(
            "/t/aurora/webhooks",
            data={"label": "Ops", "url": "https://10.0.0.7/x", "topics": "anomaly.opened"},
        )
        assert refused.status_code == 422
        assert "this address is not a public one" in refused.text
        assert "No endpoints" in refused.text
        made = await browser.post(
            "/t/aurora/webhooks",
            data={"label": "Ops", "url": "https://nowhere.invalid/x", "topics": "anomaly.opened"},
        )
        assert made.status_code == 303
        home = made.headers["location"]
        secret = re.search(r"<code>(whsec_[A-Za-z0-9+/=]{44})</code>", (await browser.get(home)).text)[1]
        assert secret not in (await browser.get(home)).text, "shown this once"

        assert (await browser.post(f"{home}/test")).status_code == 303
        await told.work()
        shown = (await browser.get(home)).text
        delivery = re.search(r'href="(/t/aurora/deliveries/[0-9a-f-]{36})"', shown)[1]
        log = (await browser.get(delivery)).text
        assert "the name nowhere.invalid is not known" in log
        missing = await browser.post(f"{delivery}/replay", data={"reason": " "})
        assert (missing.status_code, "say it in 1 to 2,000 characters" in missing.text) == (422, True)
        again = await browser.post(f"{delivery}/replay", data={"reason": "the name is known now"})
        assert (again.status_code, again.headers["location"]) == (303, delivery)
        await told.work()
        log = (await browser.get(delivery)).text
        assert "replay 1" in log
        assert "the name is known now" in log

        assert (await browser.post(f"{home}/disable", data={"disable_reason": "moved"})).status_code == 303
        twice = await browser.post(f"{home}/disable", data={"disable_reason": "moved"})
        assert (twice.status_code, "disabled already" in twice.text) == (409, True)
        assert "Disabled: nothing is sent to it." in (await browser.get(home)).text
        listed = (await browser.get("/t/aurora/deliveries?channel=webhook")).text
        assert delivery in listed
        assert delivery not in (await browser.get("/t/aurora/deliveries?state=given_up")).text


async def test_an_endpoint_is_changed_rotated_and_taken_up_again_with_reasons_and_nothing_without(
    portal: Portal,
) -> None:
    form = {"label": "Ops", "url": "https://nowhere.invalid/x", "topics": "anomaly.opened"}
    moved = form | {"label": "Pager", "reason": "the team has moved", "revision": "1"}

    def history(page: str) -> list[str]:
        """Acts and their reasons, newest first."""
        shown = page[page.index('id="history-title"') :]
        return [
            re.sub(r"\s+", " ", re.sub("<[^>]+>", "", each)) for each in re.findall("<li>.*?</li>", shown)
        ]

    async with portal.browser(ADMIN) as browser, portal.browser(VENDOR) as vendor:
        home = (await browser.post("/t/aurora/webhooks", data=form)).headers["location"]
        secret = re.search(r"<code>(whsec_[^<]+)</code>", (await browser.get(home)).text)[1]
        stood = history((await browser.get(home)).text)
        assert len(stood) == 1
        for act, data, field, status in (
            ("change", moved | {"reason": " "}, "reason", 422),
            ("change", moved | {"label": ""}, "label", 422),
            ("change", moved | {"url": "https://10.0.0.7/x"}, "url", 422),
            ("change", moved | {"revision": "9" * 5000}, "revision", 422),
            ("change", moved | {"revision": "7"}, None, 409),
            ("rotate", {"rotate_reason": " "}, "rotate_reason", 422),
            ("disable", {"disable_reason": " "}, "disable_reason", 422),
            ("enable", {"enable_reason": "why not"}, None, 409),
        ):
            refused = await browser.post(f"{home}/{act}", data=data)
            assert refused.status_code == status, (act, field, refused.text)
            assert "nothing was changed" in refused.text
            wrong = re.findall(r'class="field-error" id="(\w+)-error"', refused.text)
            assert wrong == ([field] if field not in {None, "revision"} else []), (
                "it stands where it was typed"
            )
        for act, data in (
            ("change", moved),
            ("rotate", {"rotate_reason": "ours"}),
            ("enable", {"enable_reason": "ours"}),
        ):
            assert (await vendor.post(f"{home}/{act}", data=data)).status_code == 403
        assert history((await browser.get(home)).text) == stood

        assert (await browser.post(f"{home}/change", data=moved)).headers["location"] == home
        turned = await browser.post(f"{home}/rotate", data={"rotate_reason": "a year is over"})
        assert (turned.status_code, turned.headers["location"]) == (303, home)
        fresh = re.search(r"<code>(whsec_[^<]+)</code>", (await browser.get(home)).text)[1]
        assert fresh != secret
        for act in ("disable", "enable"):
            done = await browser.post(f"{home}/{act}", data={f"{act}_reason": f"we {act} it"})
            assert (done.status_code, done.headers["location"]) == (303, home)
        page = (await browser.get(home)).text
        assert re.search(r"<h1[^>]*>Pager</h1>", page)
        assert "In use." in page
        said = ["we enable it", "we disable it", "a year is over", "the team has moved"]
        assert [each.rpartition(": ")[2] for each in history(page)[:4]] == said
        assert len(history(page)) == 5


async def test_who_may_not_mind_webhooks_finds_neither_them_nor_the_log(
    portal: Portal, told: NotifyWorld
) -> None:
    async with portal.browser(VIEWER) as viewer, portal.browser(VENDOR) as vendor:
        for path in ("/t/aurora/webhooks", "/t/aurora/deliveries"):
            assert (await viewer.get(path)).status_code == 403
            assert (await vendor.get(path)).status_code == 200
        assert "/t/aurora/webhooks" not in (await viewer.get("/t/aurora")).text
        refused = await vendor.post(
            "/t/aurora/webhooks", data={"label": "x", "url": "https://x.example/", "topics": "anomaly.opened"}
        )
        assert refused.status_code == 403
        assert (await vendor.get("/t/vendor/webhooks")).status_code == 200


async def test_a_stranger_learns_nothing_of_deliveries(portal: Portal, told: NotifyWorld) -> None:
    await told.announce(portal.world.aurora.id, spike(audience=Audience()))
    async with portal.browser("stranger") as browser:
        for path in ("/t/aurora/webhooks", "/t/aurora/deliveries"):
            assert (await browser.get(path)).status_code == 404
