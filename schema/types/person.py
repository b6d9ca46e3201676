"""People of a tenant."""

from __future__ import annotations

import strawberry

from schema.ids import Node, encode
from schema.types.role import Role
from trust_portal.access.people import model


@strawberry.type(description="Somebody who can sign in.")
class Person(Node):
    name: str
    email: str
    active: bool = strawberry.field(description="False once suspended.")
    roles: list[Role] = strawberry.field(description="Those in force now.")


def person(row: model.Person) -> Person:
    return Person(
        id=encode("Person", row.tenant_id, row.id),
        name=row.name,
        email=row.email,
        active=row.active,
        roles=sorted(row.roles),
    )
