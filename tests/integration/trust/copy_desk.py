"""A postmortem of an incident of both customers of the portal's world, written, signed and released to one of them."""

from __future__ import annotations

from uuid import UUID

from support.learning_world import Vendor, declared, step
from support.passkeys import Devices
from support.portal_fixtures import Portal
from support.postmortem_desk import Desk, actor_of

from trust_portal.kernel.actor import Role
from trust_portal.learning.postmortems.model import Postmortem, Release


async def writers(portal: Portal) -> Desk:
    """People who write and sign of an incident of both customers."""
    vendor = Vendor(portal.house, portal.clock)
    owner = actor_of(await vendor.person("Ivo Stern", Role.INCIDENT_OWNER))
    writer = actor_of(await vendor.person("Wera Lind", Role.SRE_OPERATOR))
    reviewer = actor_of(await vendor.person("Rui Alves", Role.SRE_OPERATOR))
    world = portal.world
    await vendor.tell(
        declared("INC-77", tenants=["aurora", "brightside"]), step("INC-77", "resolved", minute=60)
    )
    return Desk(vendor, owner, writer, reviewer, world.aurora.id, world.brightside.id, Devices(portal.house))


async def released(desk: Desk, postmortem: Postmortem) -> UUID:
    command = Release(postmortem.id, 1, desk.northwind, "customer", "As we promised on the phone.")
    release = await desk.house.postmortem_releases.release(command, desk.owner)
    await desk.house.postmortem_copies.issue(release.id)
    return release.id
