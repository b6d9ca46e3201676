"""A P1 with its postmortem, people who write, review and sign it, and their devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from support.learning_world import BEGAN, Vendor, declared, step, updated
from support.passkeys import Devices
from support.sequencing import sequencing

from trust_portal.access.people.model import Person as AccessPerson
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.signing_statement import signing_statement
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.acts_model import PlanAction
from trust_portal.learning.actions.model import ActionType, PreventionAction
from trust_portal.learning.postmortems.model import (
    KIND,
    Accept,
    Postmortem,
    SaveDraft,
    Sign,
    Submit,
    Written,
)
from trust_portal.learning.postmortems.repository import find_postmortem, postmortem_of
from trust_portal.storage.tenancy import TenantScope

#: Where the work on an action is tracked.
TRACKED = "https://tracker.example/EXP-1"
WRITTEN = Written(
    summary="Exports **failed** for large accounts.",
    impact="Reports came late.",
    contributors="A limit was missing.",
)


def deployed(minute: int, **data) -> dict:
    said = {"service": "api", "version": "4.2.0", "environment": "production", "by": "release-bot"}
    return _told("change.deployed", f"deploy-{minute}", minute, said | data)


def ramped(minute: int, **data) -> dict:
    said = {"flag": "fast-exports", "variant": "on", "percentage": 50, "by": "ada"}
    return _told("change.flag", f"flag-{minute}", minute, said | data)


def _told(type_: str, id_: str, minute: int, data: dict) -> dict:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "urn:product",
        "type": f"trustportal.{type_}.v1",
        "time": rfc3339(BEGAN + timedelta(minutes=minute)),
        "data": data,
    }


@dataclass
class Desk:
    """``writer`` writes, ``reviewer`` reviews, ``owner`` signs."""

    vendor: Vendor
    owner: Actor
    writer: Actor
    reviewer: Actor
    northwind: UUID
    contoso: UUID
    devices: Devices

    @property
    def house(self) -> House:
        return self.vendor.house

    async def postmortem(self, key: str = "INC-1") -> Postmortem:
        incident = (await self.vendor.register())[key]
        async with self.house.storage.read(TenantScope(VENDOR_ID)) as session:
            found = await postmortem_of(session, incident.id)
        assert found is not None
        return found

    async def plan(self, postmortem: Postmortem, title: str = "Cap exports per customer") -> PreventionAction:
        command = PlanAction(postmortem.id, title, ActionType.PREVENT, self.owner.id, 10, TRACKED)
        return await self.house.prevention_actions.plan(command, self.owner)

    async def again(self, postmortem: Postmortem) -> Postmortem:
        async with self.house.storage.read(TenantScope(VENDOR_ID)) as session:
            return await find_postmortem(session, postmortem.id)

    async def in_review(self, postmortem: Postmortem, written: Written = WRITTEN) -> Postmortem:
        opened = await self.house.postmortem_reader.find(self.writer, postmortem.id)
        if not opened.document["actions"]:
            await self.plan(postmortem)
        revision = 0 if opened.draft is None else opened.draft.revision
        draft = await self.house.postmortem_writing.save(
            SaveDraft(postmortem.id, revision, written), self.writer
        )
        return await self.house.postmortem_writing.submit(Submit(postmortem.id, draft.revision), self.writer)

    async def accepted(self, postmortem: Postmortem, written: Written = WRITTEN) -> Postmortem:
        submitted = await self.in_review(postmortem, written)
        command = Accept(postmortem.id, str(submitted.last.digest), "It says what happened.")
        return await self.house.postmortem_writing.accept(command, self.reviewer)

    async def sign_command(
        self, postmortem: Postmortem, rationale: str = "This is what happened.", /, **changes
    ) -> Sign:
        digest = str(postmortem.last.digest)
        said = {
            "about": postmortem.id,
            "version": postmortem.version,
            "digest": digest,
            "rationale": rationale,
            "person_id": self.owner.id,
            "person_name": self.owner.name,
        } | changes
        device = await self.devices.of(self.owner)
        assertion = device.sign(challenge_of(canonical(signing_statement(**said))))
        return Sign(postmortem.id, digest, rationale, assertion)

    async def signed(self, postmortem: Postmortem, written: Written = WRITTEN) -> Postmortem:
        accepted = await self.accepted(postmortem, written)
        return await self.house.postmortem_signing.sign(await self.sign_command(accepted), self.owner)

    async def bundle(
        self, subject_id: UUID, revision: int = 1, *, kind: str = KIND, tenant_id: UUID = VENDOR_ID
    ) -> bytes:
        exports = self.house.exports
        async with self.house.storage.write(TenantScope(tenant_id)) as session:
            asked = await exports.request(
                session,
                kind=kind,
                tenant_id=tenant_id,
                subject_id=subject_id,
                revision=revision,
                actor=self.owner,
            )
        async with sequencing(self.house):
            built = await exports.build(tenant_id, asked.id)
        assert built.failure is None, built.failure
        async with self.house.storage.read(TenantScope(tenant_id)) as session:
            return (await exports.artefact(session, tenant_id, asked.id)).content

    async def policy(self, tenant_id: UUID = VENDOR_ID) -> Policy:
        text = await self.house.archive.trust_policy(self.owner, tenant_id)
        return Policy.parse(text.encode())


def actor_of(person: AccessPerson) -> Actor:
    return Actor(ActorKind.PERSON, person.id, person.name, person.tenant_id, person.roles)


async def desk_of(vendor: Vendor, *events: dict) -> Desk:
    owner = actor_of(await vendor.person("Ivo Stern", Role.INCIDENT_OWNER))
    writer = actor_of(await vendor.person("Wera Lind", Role.SRE_OPERATOR))
    reviewer = actor_of(await vendor.person("Rui Alves", Role.SRE_OPERATOR))
    northwind, contoso = await vendor.customer("northwind"), await vendor.customer("contoso")
    await vendor.tell(*(events or told()))
    # Events of one delivery come a microsecond after another: nobody writes of them before they are all here.
    vendor.clock.advance(timedelta(seconds=1))
    return Desk(vendor, owner, writer, reviewer, northwind, contoso, Devices(vendor.house))


def told(**declaration) -> Sequence[dict]:
    """A P1 of two customers, with a deploy before it, from its beginning to its end."""
    return (
        deployed(-40),
        ramped(20),
        declared("INC-1", tenants=["contoso", "northwind"], **declaration),
        updated("INC-1", "note", minute=3, text="We look at the exports."),
        updated("INC-1", "told_customer", minute=9),
        step("INC-1", "mitigated", minute=30),
        step("INC-1", "resolved", minute=60),
    )
