"""People: adding, roles, sign-in links, suspending. For persons only: no token has the scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import OF_THE_REQUEST, UserError, user_error
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
class PersonPayload:
    person: Person | None
    user_errors: list[UserError]


@strawberry.type(description="The link, this once.")
class CreateSignInLinkPayload:
    url: str | None
    expires_at: datetime | None
    user_errors: list[UserError]


@strawberry.type
class PeopleMutations:
    @strawberry.mutation(
        description="Add somebody, without a role. The address is the idempotency key: again is a CONFLICT."
    )
    async def add_person(self, info: Info, input: AddPersonInput) -> PersonPayload:
        try:
            tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
            command = AddPerson(tenant_id, input.email, input.name)
            added = await info.context.house.people.add(command, info.context.actor)
        except OF_THE_REQUEST as refusal:
            return PersonPayload(person=None, user_errors=[user_error(refusal)])
        return PersonPayload(person=person(added), user_errors=[])

    @strawberry.mutation(description="Give somebody a role, or move its end. Nobody gives one to themselves.")
    async def grant_role(self, info: Info, input: GrantRoleInput) -> PersonPayload:
        house, actor = info.context.house, info.context.actor
        return await _changed(
            info,
            input.person_id,
            lambda tenant_id, person_id: house.people.grant(
                GrantRole(tenant_id, person_id, input.role, input.until), actor
            ),
        )

    @strawberry.mutation(description="Take a role away; the person's sessions get new secrets.")
    async def revoke_role(self, info: Info, input: RevokeRoleInput) -> PersonPayload:
        house, actor = info.context.house, info.context.actor
        return await _changed(
            info,
            input.person_id,
            lambda tenant_id, person_id: house.people.revoke(actor, tenant_id, person_id, input.role),
        )

    @strawberry.mutation(description="End somebody's access, sessions and tokens at once.")
    async def suspend_person(self, info: Info, input: PersonInput) -> PersonPayload:
        house, actor = info.context.house, info.context.actor
        return await _changed(
            info,
            input.person_id,
            lambda tenant_id, person_id: house.people.suspend(actor, tenant_id, person_id),
        )

    @strawberry.mutation(description="A one-time link to sign in; making one ends the former.")
    async def create_sign_in_link(self, info: Info, input: PersonInput) -> CreateSignInLinkPayload:
        try:
            found = decode(input.person_id, "Person", field="personId")
            link = await info.context.house.sign_in_links.create(
                info.context.actor, found.tenant_id, found.id
            )
        except OF_THE_REQUEST as refusal:
            return CreateSignInLinkPayload(url=None, expires_at=None, user_errors=[user_error(refusal)])
        return CreateSignInLinkPayload(url=link.url, expires_at=link.expires_at, user_errors=[])


async def _changed(
    info: Info, person_id: strawberry.ID, change: Callable[[UUID, UUID], Awaitable[None]]
) -> PersonPayload:
    """Make one change to a person and show them as they are then."""
    try:
        found = decode(person_id, "Person", field="personId")
        await change(found.tenant_id, found.id)
        now = await info.context.house.people.get(info.context.actor, found.tenant_id, found.id)
    except OF_THE_REQUEST as refusal:
        return PersonPayload(person=None, user_errors=[user_error(refusal, person="person_id")])
    return PersonPayload(person=person(now), user_errors=[])
