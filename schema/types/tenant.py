"""A tenant and the lists that belong to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.connection import Connection, connection, page_request
from schema.context import Info
from schema.ids import encode
from schema.types.access import AccessEntry, access_entry
from schema.types.person import Person, person
from schema.types.token import ApiToken, api_token
from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants import model

First = Annotated[int | None, strawberry.argument(description="How many from the start, 1 to 100.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 1 to 100.")]


@strawberry.type(description="A customer of the vendor, or the vendor itself.")
class Tenant:
    id: strawberry.ID
    key: str = strawberry.field(description="Its name in events and contracts.")
    name: str
    time_zone: str = strawberry.field(description="IANA name.")
    residency: str
    onboarded_at: datetime
    offboarded_at: datetime | None
    uuid: strawberry.Private[UUID]

    @strawberry.field(description="Whether the caller may do an action here, by its name.")
    def viewer_can(self, info: Info, action: str) -> bool:
        try:
            asked = Action(action)
        except ValueError:
            return False
        return info.context.house.gate.allows(info.context.actor, asked, Resource("tenant", self.uuid))

    @strawberry.field(description="People who can sign in here.")
    async def people(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[Person]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.people.page(actor, self.uuid, page_request(first, after, last, before)), person
        )

    @strawberry.field(description="API tokens, newest first, spent ones too.")
    async def tokens(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[ApiToken]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.tokens.page(actor, self.uuid, page_request(first, after, last, before)), api_token
        )

    @strawberry.field(description="Who looked at this tenant's things, newest first.")
    async def access_log(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[AccessEntry]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.access_log.page(actor, self.uuid, page_request(first, after, last, before)),
            access_entry,
        )


def tenant(row: model.Tenant) -> Tenant:
    return Tenant(
        id=encode("Tenant", row.id, row.id),
        key=row.key,
        name=row.name,
        time_zone=row.time_zone,
        residency=row.residency,
        onboarded_at=row.onboarded_at,
        offboarded_at=row.offboarded_at,
        uuid=row.id,
    )
