"""People: adding, roles, sign-in links, suspending. For persons only: no token has the scope."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import GlobalId, decode
from schema.payload import Payload, mutation
from schema.types.person import Person, person
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.kernel.actor import Role


@strawberry.input(description="Somebody who shall be able to sign in.")
class AddPersonInput:
    tenant_id: strawberry.ID
    email: str
    name: str


@strawberry.input(description="A role for somebody.")
class GrantRoleInput:
    person_id: strawberry.ID
    role: Role
    until: datetime | None = strawberry.field(
        default=None, description="When it ends by itself; an auditor's always does."
    )


@strawberry.input(description="A role to take away.")
class RevokeRoleInput:
    person_id: strawberry.ID
    role: Role


@strawberry.input(description="Whom it concerns.")
class PersonInput:
    person_id: strawberry.ID


@strawberry.type(description="The person as they are now.")
class PersonPayload(Payload):
    person: Person | None = None


@strawberry.type(description="The link, this once.")
class CreateSignInLinkPayload(Payload):
    url: str | None = None
    expires_at: datetime | None = None


@strawberry.type
class PeopleMutations:
    @mutation(
        description="Add somebody, without a role. The address is the idempotency key: again is a CONFLICT."
    )
    async def add_person(self, info: Info, input: AddPersonInput) -> PersonPayload:
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = AddPerson(tenant_id, input.email, input.name)
        added = await info.context.house.people.add(command, info.context.actor)
        return PersonPayload(person=person(added))

    @mutation(
        description="Give somebody a role, or move its end. Nobody gives one to themselves.",
    )
    async def grant_role(self, info: Info, input: GrantRoleInput) -> PersonPayload:
        asked = _person(input.person_id)
        command = GrantRole(asked.tenant_id, asked.id, input.role, input.until)
        await info.context.house.people.grant(command, info.context.actor)
        return await _as_they_are(info, asked)

    @mutation(description="Take a role away; the person's sessions get new secrets.")
    async def revoke_role(self, info: Info, input: RevokeRoleInput) -> PersonPayload:
        asked = _person(input.person_id)
        await info.context.house.people.revoke(info.context.actor, asked.tenant_id, asked.id, input.role)
        return await _as_they_are(info, asked)

    @mutation(description="End somebody's access, sessions and tokens at once.")
    async def suspend_person(self, info: Info, input: PersonInput) -> PersonPayload:
        asked = _person(input.person_id)
        await info.context.house.people.suspend(info.context.actor, asked.tenant_id, asked.id)
        return await _as_they_are(info, asked)

    @mutation(description="A one-time link to sign in; making one ends the former.")
    async def create_sign_in_link(self, info: Info, input: PersonInput) -> CreateSignInLinkPayload:
        found = _person(input.person_id)
        context = info.context
        link = await context.house.sign_in_links.create(
            context.actor, found.tenant_id, found.id, brought_by=context.brought_by
        )
        return CreateSignInLinkPayload(url=link.url, expires_at=link.expires_at)


def _person(id_: strawberry.ID) -> GlobalId:
    return decode(id_, "Person", field="personId")


async def _as_they_are(info: Info, asked: GlobalId) -> PersonPayload:
    now = await info.context.house.people.get(info.context.actor, asked.tenant_id, asked.id)
    return PersonPayload(person=person(now))
