"""Signing keys and policies: what their forms and commands ask of two others, what is refused, and who may ask."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.approvals_world import person_with
from support.portal_fixtures import Portal

from schema.ids import decode
from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.access.policy import PolicySet, shipped_policies
from trust_portal.app import create_app
from trust_portal.cli import cli
from trust_portal.evidence.keyring import KeyPurpose, prepare_key
from trust_portal.house import build_house
from trust_portal.house.foundation import lay_foundation
from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest

pytestmark = pytest.mark.takes(seconds=10)
#: One rule more than those in force.
_RULE = '\n@id("csm-asks-too")\npermit (principal in Role::"csm", action == Action::"house:policy_change:request", resource);\n'


def newer_policies() -> PolicySet:
    shipped = {each.name: each.text for each in shipped_policies().texts}
    return PolicySet.parse({**shipped, "staff.cedar": shipped["staff.cedar"] + _RULE})


@pytest.fixture
async def upgraded(portal: Portal, tmp_path: Path) -> AsyncIterator[Portal]:
    """The portal after an upgrade that brought other rules, with a key file of its own."""
    settings = replace(portal.house.settings, key_file=tmp_path / "keys.json")
    shutil.copy(portal.house.settings.key_file, settings.key_file)
    house = build_house(settings, portal.clock)
    house.gate.shipped = house.gate.policies = newer_policies()
    await house.open()
    app = create_app(settings)
    app.state.house = house
    yield Portal(app, house, portal.clock, portal.world)
    await house.close()


async def second_of_security(portal: Portal) -> None:
    """A key is replaced by two people of security; the portal's world has one."""
    people = portal.house.people
    added = await people.add(AddPerson(VENDOR_ID, "sid@vendor.example", "Sid"), CONSOLE)
    await people.grant(GrantRole(VENDOR_ID, added.id, Role.APPROVER_SECURITY), CONSOLE)


async def asked(portal: Portal) -> int:
    """How many requests the vendor has, whatever became of them."""
    reader = (await person_with(portal.house, CONSOLE, Role.VENDOR_ADMIN, VENDOR_ID)).as_actor()
    wanted = ApprovalFilter(VENDOR_ID, Show.LIVE)
    return len((await portal.house.approval_inbox.page(reader, wanted, PageRequest(10))).items)


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/keys", {"purpose": "receipts", "reason": "it is time", "key_id": ""}, 409),
        ("/keys", {"purpose": "coffee", "reason": "it is time", "key_id": ""}, 422),
        ("/keys", {"purpose": "receipts", "reason": " ", "key_id": ""}, 422),
        ("/policies", {"reason": "the new release"}, 409),
        ("/policies", {"reason": ""}, 422),
    ],
    ids=["no key is prepared", "no such key", "no reason", "nothing new", "no reason for policies"],
)
async def test_what_cannot_be_asked_for_is_said_on_the_page_and_nothing_is(
    portal: Portal, path: str, form: dict[str, str], status: int
) -> None:
    async with portal.browser("approver_security") as browser:
        refused = await browser.post(path, data=form)
    assert refused.status_code == status
    assert "nothing was changed" in refused.text
    assert await asked(portal) == 0


@pytest.mark.parametrize("path", ["/keys", "/policies"])
@pytest.mark.parametrize("who", ["csm", "approver_finance", "sre_operator"])
async def test_who_may_not_ask_finds_no_form_and_is_refused(portal: Portal, path: str, who: str) -> None:
    async with portal.browser(who) as browser:
        assert f'method="post" action="{path}"' not in (await browser.get(path)).text
        sent = await browser.post(path, data={"purpose": "receipts", "reason": "it is time"})
    assert sent.status_code == 403
    assert await asked(portal) == 0


async def test_both_forms_ask_two_others_and_lead_to_the_request(upgraded: Portal) -> None:
    await second_of_security(upgraded)
    prepared = prepare_key(upgraded.house.settings.key_file, KeyPurpose.RECEIPTS)
    forms = {
        "/keys": {"purpose": "receipts", "key_id": prepared.key_id, "reason": "a year is over"},
        "/policies": {"reason": "the new release"},
    }
    exact = {"/keys": prepared.key_id, "/policies": newer_policies().version}
    async with upgraded.browser("vendor_admin") as browser:
        for path, form in forms.items():
            assert f'method="post" action="{path}"' in (await browser.get(path)).text
            sent = await browser.post(path, data=form)
            assert sent.status_code == 303
            request = (await browser.get(sent.headers["location"])).text
            assert form["reason"] in request
            assert exact[path] in request
    assert await asked(upgraded) == 2


ROTATE = """mutation ($input: RequestKeyRotationInput!) { requestKeyRotation(input: $input) {
  approvalRequestId userErrors { code path } } }"""
CHANGE = """mutation ($input: RequestPolicyChangeInput!) { requestPolicyChange(input: $input) {
  approvalRequestId userErrors { code path } } }"""


async def test_the_same_is_asked_for_over_graphql_of_exactly_the_key_that_was_compared(
    upgraded: Portal,
) -> None:
    await second_of_security(upgraded)
    prepared = prepare_key(upgraded.house.settings.key_file, KeyPurpose.RECEIPTS)
    rotation = {"purpose": "RECEIPTS", "fingerprint": prepared.key_id, "reason": "a year is over"}
    policies = {"reason": "the new release"}

    async def told(who: str, mutation: str, given: dict[str, str]) -> dict[str, Any]:
        async with upgraded.browser(who) as browser:
            sent = {"query": mutation, "variables": {"input": given}}
            return (await browser.post("/graphql", json=sent)).json()

    for mutation, given in ((ROTATE, rotation), (CHANGE, policies)):
        refused = await told("csm", mutation, given)
        assert ([*refused["data"].values()], refused["errors"][0]["extensions"]["code"]) == ([None], "DENIED")
        (payload,) = (await told("vendor_admin", mutation, given | {"reason": " "}))["data"].values()
        assert payload == {
            "approvalRequestId": None,
            "userErrors": [{"code": "INVALID", "path": ["input", "reason"]}],
        }
    for fingerprint, path in (("0" * 64, []), ("0f", ["input", "fingerprint"])):
        other = await told("vendor_admin", ROTATE, rotation | {"fingerprint": fingerprint})
        assert other["data"]["requestKeyRotation"]["approvalRequestId"] is None
        assert [each["path"] for each in other["data"]["requestKeyRotation"]["userErrors"]] == [path]
    assert await asked(upgraded) == 0

    for mutation, given, exact in (
        (ROTATE, rotation, prepared.key_id),
        (CHANGE, policies, newer_policies().version),
    ):
        (payload,) = (await told("vendor_admin", mutation, given))["data"].values()
        assert payload["userErrors"] == []
        request = decode(payload["approvalRequestId"], "ApprovalRequest")
        async with upgraded.browser("vendor_admin") as browser:
            page = (await browser.get(f"/t/vendor/approvals/{request.id}")).text
        assert given["reason"] in page
        assert exact in page
    assert await asked(upgraded) == 2


async def test_which_policies_decide_and_what_time_it_is_is_told_over_graphql(upgraded: Portal) -> None:
    question = {"query": "{ now policies { inForce shipped waiting } }"}
    async with upgraded.browser("vendor_admin") as browser:
        told = (await browser.post("/graphql", json=question)).json()
    assert told["data"] == {
        "now": upgraded.house.clock.now().isoformat(),
        "policies": {
            "inForce": shipped_policies().version,
            "shipped": newer_policies().version,
            "waiting": True,
        },
    }
    async with upgraded.browser("customer_viewer") as browser:
        refused = (await browser.post("/graphql", json={"query": "{ policies { inForce } }"})).json()
    assert (refused["data"], refused["errors"][0]["extensions"]["code"]) == ({"policies": None}, "DENIED")


async def test_the_same_is_asked_for_from_a_shell(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await second_of_security(portal)
    settings = portal.house.settings
    shutil.copy(settings.key_file, tmp_path / "keys.json")
    for name in ("database_url", "redis_url", "base_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "keys.json"))

    async def run(*arguments: str) -> str:
        # A thread of its own, because the commands bring their own event loop.
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    key_id = (await run("keys", "prepare")).split("prepared: ")[1].split()[0]
    assert f"prepared to replace it  {key_id}" in await run("keys", "show")
    said = await run("keys", "rotate", "--fingerprint", key_id, "--reason", "a year is over")
    assert said.startswith("asked: https://trust.example/t/vendor/approvals/")
    assert await run("keys", "tidy") == "nothing to drop\n"
    version = shipped_policies().version
    assert await run("policies", "show") == f"in force      {version}\nthis program  {version}\n"
    monkeypatch.setattr(lay_foundation.__module__ + ".shipped_policies", newer_policies)
    shown = await run("policies", "show")
    assert shown.startswith(f"in force      {version}\nthis program  {newer_policies().version}\n")
    assert '+@id("csm-asks-too")' in shown
    said = await run("policies", "request", "--reason", "the new release")
    assert said.startswith("asked: https://trust.example/t/vendor/approvals/")
    assert await asked(portal) == 2
