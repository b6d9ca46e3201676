"""Inbox, mail, endpoints and deliveries over GraphQL: the same services and refusals as the portal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.notify_world import NotifyWorld, spike
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.kernel.actor import Role

ADMIN, VIEWER = "customer_admin", "customer_viewer"
SECRET = "{ webhook { id revision enabled topics secretFingerprint } secret userErrors { code path } }"
CREATE = f"mutation ($input: CreateWebhookInput!) {{ createWebhook(input: $input) {SECRET} }}"
ROTATE = f"mutation ($input: ActOnWebhookInput!) {{ rotateWebhookSecret(input: $input) {SECRET} }}"
DISABLE = """mutation ($input: ActOnWebhookInput!) { disableWebhook(input: $input) {
  webhook { enabled revision } userErrors { code } } }"""
ENABLE = """mutation ($input: ActOnWebhookInput!) { enableWebhook(input: $input) {
  webhook { enabled revision } userErrors { code path } } }"""
CHANGE = """mutation ($input: ChangeWebhookInput!) { changeWebhook(input: $input) {
  webhook { label url topics revision enabled } userErrors { code path } } }"""
SHOWN = '{ tenant(key: "aurora") { webhooks { id label url topics revision enabled } } }'
TEST = "mutation ($input: TestWebhookInput!) { testWebhook(input: $input) { asked userErrors { code } } }"
REPLAY = """mutation ($input: ReplayDeliveryInput!) { replayDelivery(input: $input) {
  delivery { state replays { reason } } userErrors { code } } }"""
LOG = """{ tenant(key: "aurora") { webhooks { id label enabled }
  deliveries(first: 5, channel: WEBHOOK) { nodes { id state topic messageId webhookId
    attempts { ordinal verdict } replays { reason } } } } }"""
INBOX = (
    "{ unreadNotifications notifications(first: 5) { nodes { id topic path readAt facts { name value } } } }"
)
READ = """mutation ($input: ReadNotificationInput!) { readNotification(input: $input) {
  notification { id } userErrors { code } } }"""
READ_ALL = "mutation { readAllNotifications(input: {}) { read userErrors { code } } }"
CHOOSE = """mutation ($input: ChooseMailInput!) { chooseMail(input: $input) {
  preferences { topic mailed insistent } userErrors { code path } } }"""


@pytest.fixture
def told(portal: Portal) -> NotifyWorld:
    return NotifyWorld(portal.house, portal.clock)


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def test_an_inbox_is_read_one_by_one_or_whole_and_only_by_its_owner(portal: Portal, told: NotifyWorld):
    for key in ("anomaly/1", "anomaly/2"):
        announcement = spike(key=key, roles=(Role.CUSTOMER_ADMIN,), path="/t/aurora/cost")
        await told.announce(portal.world.aurora.id, announcement)
    await told.work()
    async with portal.browser(ADMIN) as admin, portal.browser(VIEWER) as viewer:
        got = (await ask(admin, INBOX))["data"]
        first, second = got["notifications"]["nodes"]
        assert got["unreadNotifications"] == 2
        assert (first["topic"], first["path"], first["readAt"]) == ("ANOMALY_OPENED", "/t/aurora/cost", None)
        foreign = (await ask(viewer, READ, input={"notificationId": first["id"]}))["data"]["readNotification"]
        assert foreign == {"notification": None, "userErrors": [{"code": "NOT_FOUND"}]}
        read = (await ask(admin, READ, input={"notificationId": first["id"]}))["data"]["readNotification"]
        assert read["notification"] == {"id": first["id"]}
        assert (await ask(admin, INBOX))["data"]["unreadNotifications"] == 1
        assert (await ask(admin, READ_ALL))["data"]["readAllNotifications"] == {"read": 1, "userErrors": []}
        nodes = (await ask(admin, INBOX))["data"]["notifications"]["nodes"]
        assert [each["readAt"] is not None for each in nodes] == [True, True]
        assert second["id"] != first["id"]


async def test_mail_is_chosen_and_what_is_insistent_stays(portal: Portal):
    async with portal.browser(ADMIN) as admin:
        refused = (await ask(admin, CHOOSE, input={"topics": []}))["data"]["chooseMail"]
        assert refused["preferences"] is None
        assert refused["userErrors"][0]["path"] == ["input", "topics"]
        before = (await ask(admin, "{ notificationPreferences { topic mailed insistent } }"))["data"]
        insistent = [each["topic"] for each in before["notificationPreferences"] if each["insistent"]]
        chosen = (await ask(admin, CHOOSE, input={"topics": insistent}))["data"]["chooseMail"]
        assert chosen["userErrors"] == []
        assert {each["topic"] for each in chosen["preferences"] if each["mailed"]} == set(insistent)


async def test_an_endpoint_is_set_up_tested_rotated_and_disabled_and_its_log_replayed(
    portal: Portal, told: NotifyWorld
):
    tenant_id = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    values = {
        "tenantId": tenant_id,
        "label": "Ops",
        "url": "https://nowhere.invalid/trust",
        "topics": ["ANOMALY_OPENED"],
    }
    async with portal.browser(ADMIN) as admin, portal.browser(VIEWER) as viewer:
        assert (await ask(viewer, CREATE, input=values))["errors"][0]["extensions"]["code"] == "DENIED"
        bad = (await ask(admin, CREATE, input=values | {"url": "http://127.0.0.1/"}))["data"]["createWebhook"]
        assert (bad["webhook"], bad["secret"]) == (None, None)
        assert bad["userErrors"][0]["path"] == ["input", "url"]
        made = (await ask(admin, CREATE, input=values))["data"]["createWebhook"]
        assert made["secret"].startswith("whsec_")
        act = {"webhookId": made["webhook"]["id"], "reason": "once a year"}
        rotated = (await ask(admin, ROTATE, input=act))["data"]["rotateWebhookSecret"]
        assert rotated["secret"] != made["secret"]
        assert rotated["webhook"]["revision"] == 2
        tested = (await ask(admin, TEST, input={"webhookId": act["webhookId"]}))["data"]["testWebhook"]
        assert tested == {"asked": True, "userErrors": []}
        await told.work()
        got = (await ask(admin, LOG))["data"]["tenant"]
        assert got["webhooks"] == [{"id": act["webhookId"], "label": "Ops", "enabled": True}]
        (line,) = got["deliveries"]["nodes"]
        assert (line["topic"], line["webhookId"]) == ("WEBHOOK_TEST", act["webhookId"])
        assert line["messageId"].startswith("msg_")
        again = {"deliveryId": line["id"], "reason": "the receiver is back"}
        replayed = (await ask(admin, REPLAY, input=again))["data"]["replayDelivery"]
        assert replayed["delivery"]["state"] == "WAITING"
        assert [each["reason"] for each in replayed["delivery"]["replays"]] == ["the receiver is back"]
        twice = (await ask(admin, REPLAY, input=again))["data"]["replayDelivery"]
        assert (twice["delivery"], [each["code"] for each in twice["userErrors"]]) == (None, ["CONFLICT"])
        off = (await ask(admin, DISABLE, input=act))["data"]["disableWebhook"]
        assert off["webhook"] == {"enabled": False, "revision": 3}
        assert (await ask(viewer, LOG))["errors"][0]["extensions"]["code"] == "DENIED"


async def test_an_endpoint_is_changed_as_it_was_seen_and_enabled_again_once(portal: Portal):
    values = {
        "label": "Ops",
        "url": "https://nowhere.invalid/trust",
        "topics": ["ANOMALY_OPENED"],
    }
    tenant_id = encode("Tenant", portal.world.aurora.id, portal.world.aurora.id)
    async with portal.browser(ADMIN) as admin, portal.browser(VIEWER) as viewer:
        made = (await ask(admin, CREATE, input=values | {"tenantId": tenant_id}))["data"]["createWebhook"]
        act = {"webhookId": made["webhook"]["id"], "reason": "it has moved"}
        moved = act | values | {"label": "Pager", "url": "https://elsewhere.invalid/trust"}
        stood = await ask(admin, SHOWN)
        for change, code, path in (
            ({"expectedRevision": 7}, "CONFLICT", None),
            ({"reason": " "}, "INVALID", ["input", "reason"]),
            ({"url": "https://10.0.0.7/x"}, "INVALID", ["input", "url"]),
            ({"topics": []}, "INVALID", ["input", "topics"]),
            ({"webhookId": "nonsense"}, "NOT_FOUND", ["input", "webhookId"]),
        ):
            refused = (await ask(admin, CHANGE, input=moved | change))["data"]["changeWebhook"]
            (error,) = refused["userErrors"]
            assert (refused["webhook"], error["code"]) == (None, code)
            assert path is None or error["path"] == path
        assert (await ask(viewer, CHANGE, input=moved))["errors"][0]["extensions"]["code"] == "DENIED"
        enabled = (await ask(admin, ENABLE, input=act))["data"]["enableWebhook"]
        assert (enabled["webhook"], enabled["userErrors"][0]["code"]) == (None, "CONFLICT")
        assert await ask(admin, SHOWN) == stood

        changed = (await ask(admin, CHANGE, input=moved | {"expectedRevision": 1}))["data"]["changeWebhook"]
        shown = {"label": "Pager", "url": "https://elsewhere.invalid/trust", "topics": ["ANOMALY_OPENED"]}
        assert changed == {"webhook": shown | {"revision": 2, "enabled": True}, "userErrors": []}
        await ask(admin, DISABLE, input=act)
        stood = await ask(admin, SHOWN)
        assert (await ask(viewer, ENABLE, input=act))["errors"][0]["extensions"]["code"] == "DENIED"
        assert await ask(admin, SHOWN) == stood
        enabled = (await ask(admin, ENABLE, input=act))["data"]["enableWebhook"]
        assert enabled == {"webhook": {"enabled": True, "revision": 4}, "userErrors": []}
