"""What customers have of postmortems, on their pages and on the vendor's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.learning_world import Vendor, declared, step
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.postmortem_desk import Desk

from trust_portal.access.actors import CONSOLE
from trust_portal.evidence.export import Export, ExportState
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.postmortems.model import COPY_KIND, KIND, Postmortem, Release, Reopen
from trust_portal.learning.postmortems.releases_model import StoredRelease

pytestmark = pytest.mark.takes(seconds=25)


@dataclass
class Released:
    """A signed postmortem and the first customer's copy of it."""

    desk: Desk
    postmortem: Postmortem
    release: StoredRelease
    root: str

    @property
    def here(self) -> str:
        return f"/postmortems/{self.postmortem.id}"

    @property
    def copy(self) -> str:
        return f"{self.root}/postmortems/{self.release.id}"


async def actor(portal: Portal, role: str) -> Actor:
    people = await portal.house.people.page(CONSOLE, VENDOR_ID, PageRequest(100))
    (person,) = [each for each in people.items if {one.value for one in each.roles} == {role}]
    return Actor(ActorKind.PERSON, person.id, person.name, VENDOR_ID, person.roles)


async def released_to(portal: Portal) -> Released:
    """To the world's first customer, of an incident that touched it alone."""
    vendor = Vendor(portal.house, portal.clock)
    aurora, brightside = portal.world.aurora, portal.world.brightside
    await vendor.tell(declared("INC-77", tenants=[aurora.key]), step("INC-77", "resolved", minute=60))
    desk = Desk(
        vendor,
        await actor(portal, "incident_owner"),
        await actor(portal, "sre_operator"),
        await actor(portal, "vendor_admin"),
        aurora.id,
        brightside.id,
        Devices(portal.house),
    )
    signed = await desk.signed(await desk.postmortem("INC-77"))
    return Released(desk, signed, await released(desk, signed), f"/t/{aurora.key}")


async def released(desk: Desk, postmortem: Postmortem) -> StoredRelease:
    command = Release(postmortem.id, postmortem.version, desk.northwind, "customer", "As promised.")
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    assert await desk.house.postmortem_copies.issue(release.id)
    return release


async def test_a_bundle_that_failed_is_asked_for_again_on_its_page(portal: Portal):
    """A version's by the vendor's people, a copy's by its customer: by those who may ask for bundles."""
    given = await released_to(portal)
    version, copy = f"{given.here}/versions/1", given.copy

    async def made(kind: str, tenant_id: UUID, subject_id: UUID) -> Export:
        found = await portal.house.archive.export_of(given.desk.owner, tenant_id, kind, subject_id, 1)
        assert found
        return found

    for who, may_not, of, page, path in (
        ("sre_operator", "pmo", (KIND, VENDOR_ID, given.postmortem.id), version, f"{version}/export"),
        ("customer_admin", "auditor", (COPY_KIND, given.desk.northwind, given.release.id), copy, f"{copy}/bundle"),
    ):  # fmt: skip
        first = await made(*of)
        failed = await portal.house.exports.fail(of[1], first.id, "No ink.")
        async with portal.browser(may_not) as browser:
            shown = (await browser.get(page)).text
            assert ("No ink." in shown, "Make the bundle again" in shown) == (True, False)
            assert (await browser.post(path)).status_code == 403
        assert await made(*of) == failed
        async with portal.browser(who) as browser:
            assert f'action="{path}"' in (await browser.get(page)).text
            asked = await browser.post(path)
            assert (asked.status_code, asked.headers["location"]) == (303, f"{page}#bundle")
        again = await made(*of)
        assert (again.id, again.state, again.failure) == (first.id, ExportState.REQUESTED, None)


COPY = """{ viewer { tenant { incidents(since: "2026-05-01T00:00:00Z", until: "2026-07-01T00:00:00Z") {
  key postmortem { version supersededByVersion supersededAt profile disclosed newerId } } } } }"""


async def copy_of(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = (await browser.post("/graphql", json={"query": COPY})).json()
    assert "errors" not in answer, answer
    found = {each["key"]: each["postmortem"] for each in answer["data"]["viewer"]["tenant"]["incidents"]}
    return found["INC-77"]


async def test_a_copy_says_by_what_it_was_superseded_and_the_vendor_sees_who_still_has_it(portal: Portal):
    given = await released_to(portal)
    desk, writing = given.desk, portal.house.postmortem_signing
    first = {
        "version": 1, "supersededByVersion": None, "supersededAt": None, "profile": "customer", "disclosed": 0,
        "newerId": None,
    }  # fmt: skip
    async with portal.browser("customer_viewer") as browser, portal.browser("incident_owner") as owner:
        assert await copy_of(browser) == first
        assert "Signed and released" in (await browser.get(given.copy)).text
        begun = await writing.reopen(Reopen(given.postmortem.id, "Late evidence."), desk.owner)
        assert await copy_of(browser) == first, "what is only written counts for nothing yet"
        portal.clock.advance(timedelta(hours=1))
        second = await desk.signed(begun)
        at = second.versions[1].signed_at
        told = await copy_of(browser)
        assert datetime.fromisoformat(told.pop("supersededAt")) == at
        assert told == {name: value for name, value in first.items() if name != "supersededAt"} | {
            "supersededByVersion": 2
        }
        page = (await browser.get(given.copy)).text
        assert ("Superseded by version 2" in page, "Signed and released" in page) == (True, False)
        assert "has not released it to you yet" in page
        async with portal.browser("customer_admin") as admin:
            renewing = f'action="{given.copy}/renewed"'
            assert renewing in (await admin.get(given.copy)).text
            asked = await admin.post(f"{given.copy}/renewed")
            assert (asked.status_code, asked.headers["location"]) == (303, f"{given.copy}#renewed")
            page = (await admin.get(given.copy)).text
            assert ("A bundle that says it was superseded" in page, renewing in page) == (True, False)
        listed = (await browser.get(f"{given.root}/postmortems")).text
        assert "Superseded by version 2" in listed
        incidents = (await browser.get(f"{given.root}/incidents?year=2026")).text
        assert "Superseded by version 2, which is not released to you yet." in incidents
        behind = (await owner.get(given.here)).text
        assert "Version 2 counts, and these customers have an older one" in behind
        assert re.search(rf'release\?customer={desk.northwind}">Aurora</a>: version 1', behind)

        newer = await released(desk, second)
        assert (await copy_of(browser))["version"] == 2
        page = (await browser.get(given.copy)).text
        assert f'href="{given.root}/postmortems/{newer.id}"' in page
        assert "has not released it to you yet" not in page
        assert "have an older one" not in (await owner.get(given.here)).text


async def test_what_the_copy_of_a_version_that_no_longer_counts_withholds_is_shown_in_the_portal(
    portal: Portal,
):
    given = await released_to(portal)
    desk = given.desk
    begun = await portal.house.postmortem_signing.reopen(
        Reopen(given.postmortem.id, "Late evidence."), desk.owner
    )
    await desk.signed(begun)
    where = f"{given.here}/disclose"
    async with portal.browser("incident_owner") as browser, portal.browser("sre_operator") as other:
        assert f'href="{where}?release={given.release.id}"' in (await browser.get(given.here)).text
        page = (await browser.get(where, params={"release": str(given.release.id)})).text
        assert ("Superseded by version 2" in page, 'value="incident.owner"' in page) == (True, True)
        form = {"release": str(given.release.id), "fields": "incident.owner", "reason": "They asked."}
        unsaid = await browser.post(where, data=form | {"reason": " "})
        assert (unsaid.status_code, 'value="incident.owner"' in unsaid.text) == (422, True)
        unknown = await browser.post(where, data=form | {"fields": "incident.title"})
        assert (unknown.status_code, "is nothing that this customer can be shown" in unknown.text) == (
            422,
            True,
        )
        assert (await other.post(where, data=form)).status_code == 403
        releases = portal.house.postmortem_releases
        assert await releases.of_postmortem(desk.owner, given.postmortem.id) == (given.release,)
        warned = await browser.post(where, data=form)
        assert (warned.status_code, "names a person" in warned.text) == (422, True)
        assert await releases.of_postmortem(desk.owner, given.postmortem.id) == (given.release,)
        form |= dict.fromkeys(re.findall(r'name="(ack-[0-9a-f]{16})"', page), "They know them.")
        assert (await browser.post(where, data=form)).status_code == 303
        newest, _ = await releases.of_postmortem(desk.owner, given.postmortem.id)
        assert (newest.version, newest.revision, newest.disclosed) == (1, 2, ("incident.owner",))
        await portal.house.postmortem_copies.issue(newest.id)
        again = (await browser.get(where, params={"release": str(given.release.id)})).text
        assert ('value="incident.owner"' in again, "Shown so far" in again) == (False, True)
        listed = (await browser.get(given.here)).text
        assert f"release={newest.id}" in listed
        assert f"release={given.release.id}" not in listed, "from its newest revision"
    async with portal.browser("customer_viewer") as browser:
        page = (await browser.get(f"{given.root}/postmortems/{newest.id}")).text
    assert "1 fields" in page
    shown = await portal.house.postmortem_copies.find(desk.owner, desk.northwind, newest.id)
    assert shown.document["incident"]["owner"] == "ivo@vendor.example"
