"""What customers have of postmortems, on their pages and on the vendor's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

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
from trust_portal.learning.postmortems.model import COPY_KIND, KIND, Postmortem, Release
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
