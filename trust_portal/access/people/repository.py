"""Rows of people and their roles in and out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.actors import NO_PERSON, NOBODY
from trust_portal.access.people.model import GrantRole, Person, PersonRef
from trust_portal.access.tables import people, person_directory, role_grants, tenants, vendor_roles
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def insert_person(session: WriteSession, person: Person) -> None:
    """Raises ``Conflict`` where the tenant has a person with this email."""
    taken = Conflict(f"{person.email} is already a person of this tenant", field="email")
    with duplicates_are(taken, people.name):
        await session.execute(
            insert(people).values(
                tenant_id=person.tenant_id,
                id=person.id,
                email=person.email,
                name=person.name,
                active=person.active,
                created_at=session.clock.now(),
            )
        )
    await session.execute(
        insert(person_directory).values(email=person.email, tenant_id=person.tenant_id, person_id=person.id)
    )


async def find_person(session: ReadSession, tenant_id: UUID, person_id: UUID, at: datetime) -> Person | None:
    """With the roles in force at ``at``."""
    row = (
        await session.execute(select(people).where(people.c.tenant_id == tenant_id, people.c.id == person_id))
    ).first()
    if row is None:
        return None
    return _person(row, await roles_in_force(session, tenant_id, person_id, at))


async def find_active_person(
    session: ReadSession, tenant_id: UUID, person_id: UUID, at: datetime
) -> Person | None:
    """Somebody who may sign in: active, and of a tenant in service."""
    served = (
        await session.execute(
            select(tenants.c.tenant_id).where(
                tenants.c.tenant_id == tenant_id, tenants.c.offboarded_at.is_(None)
            )
        )
    ).first()
    person = None if served is None else await find_person(session, tenant_id, person_id, at)
    return person if person is not None and person.active else None


async def active_people(session: ReadSession, tenant_id: UUID) -> tuple[Person, ...]:
    """Everybody of a tenant who is not suspended, by address; without their roles."""
    query = select(people).where(people.c.tenant_id == tenant_id, people.c.active).order_by(people.c.email)
    return tuple(_person(row, frozenset()) for row in await session.execute(query))


async def everybody_ever(session: ReadSession, tenant_id: UUID) -> tuple[Person, ...]:
    """Everybody of a tenant, also who is suspended, by address; without their roles."""
    query = select(people).where(people.c.tenant_id == tenant_id).order_by(people.c.email)
    return tuple(_person(row, frozenset()) for row in await session.execute(query))


async def names_but_of(session: ReadSession, tenant_id: UUID) -> frozenset[str]:
    """Of everybody of every tenant but this one, also who is suspended. For the staff scope."""
    query = select(people.c.name).where(people.c.tenant_id != tenant_id).distinct()
    return frozenset((await session.execute(query)).scalars())


async def roles_in_force(
    session: ReadSession, tenant_id: UUID, person_id: UUID, at: datetime
) -> frozenset[Role]:
    rows = await session.execute(
        select(role_grants.c.role).where(
            role_grants.c.tenant_id == tenant_id, role_grants.c.person_id == person_id, role_in_force(at)
        )
    )
    return frozenset(Role(row.role) for row in rows)


async def holders(
    session: ReadSession, tenant_id: UUID, roles: Collection[Role], people_ids: Collection[UUID], at: datetime
) -> tuple[Person, ...]:
    """Active people who hold one of ``roles`` at ``at``, or are named; by email, without their roles."""
    holding = select(role_grants.c.person_id).where(
        role_grants.c.tenant_id == tenant_id,
        role_grants.c.role.in_([role.value for role in roles]),
        role_in_force(at),
    )
    rows = await session.execute(
        select(people)
        .where(
            people.c.tenant_id == tenant_id,
            people.c.active,
            or_(people.c.id.in_(holding), people.c.id.in_(list(people_ids))),
        )
        .order_by(people.c.email)
    )
    return tuple(_person(row, frozenset()) for row in rows)


async def people_page(
    session: ReadSession, tenant_id: UUID, at: datetime, request: PageRequest
) -> Page[Person]:
    """By email, with the roles in force."""
    bare = await keyset_page(
        session,
        select(people).where(people.c.tenant_id == tenant_id),
        request,
        order=(people.c.email,),
        parse=(str,),
        read=lambda row: _person(row, frozenset()),
        key=lambda person: (person.email,),
    )
    rows = await session.execute(
        select(role_grants.c.person_id, role_grants.c.role).where(
            role_grants.c.tenant_id == tenant_id,
            role_grants.c.person_id.in_([person.id for person in bare.items]),
            role_in_force(at),
        )
    )
    roles: dict[UUID, set[Role]] = {}
    for row in rows:
        roles.setdefault(row.person_id, set()).add(Role(row.role))
    items = tuple(
        Person(p.id, p.tenant_id, p.email, p.name, p.active, frozenset(roles.get(p.id, ())))
        for p in bare.items
    )
    return Page(items, bare.cursors, bare.has_next, bare.has_previous)


async def directory(session: ReadSession, email: str) -> tuple[PersonRef, ...]:
    """Everybody with this email, over all tenants. For the staff scope; in a tenant's, its own."""
    rows = await session.execute(
        select(person_directory)
        .where(person_directory.c.email == email)
        .order_by(person_directory.c.tenant_id)
    )
    return tuple(PersonRef(row.tenant_id, row.person_id) for row in rows)


async def deactivate(session: WriteSession, tenant_id: UUID, person_id: UUID) -> bool:
    """False if the person was not active."""
    changed = await session.execute(
        update(people)
        .where(people.c.tenant_id == tenant_id, people.c.id == person_id, people.c.active)
        .values(active=False)
        .returning(people.c.id)
    )
    return changed.first() is not None


async def insert_grant(session: WriteSession, grant: GrantRole, actor: Actor) -> UUID:
    """A grant of the same role that was in force ends here: the new one replaces it.

    Of a role at the vendor it is kept for good whom who gave it: approvals rest on that.
    """
    await revoke_grant(session, grant.tenant_id, grant.person_id, grant.role, actor)
    grant_id = new_id()
    await session.execute(
        insert(role_grants).values(
            tenant_id=grant.tenant_id,
            id=grant_id,
            person_id=grant.person_id,
            role=grant.role.value,
            granted_at=session.clock.now(),
            granted_by=actor.id,
            expires_at=grant.until,
        )
    )
    if grant.tenant_id == VENDOR_ID:
        await session.execute(
            upsert(vendor_roles)
            .values(
                person_id=grant.person_id,
                role=grant.role.value,
                granted_by=NOBODY if actor.id in NO_PERSON else actor.id,
                tenant_id=VENDOR_ID,
            )
            .on_conflict_do_nothing()
        )
    return grant_id


async def complete_vendor_roles(session: WriteSession) -> None:
    """Keep of every role ever granted at the vendor whom who gave it; in the vendor's scope."""
    giver = case((role_grants.c.granted_by.in_(NO_PERSON), literal(NOBODY)), else_=role_grants.c.granted_by)
    granted = (
        select(role_grants.c.person_id, role_grants.c.role, giver, role_grants.c.tenant_id)
        .where(role_grants.c.tenant_id == VENDOR_ID)
        .distinct()
    )
    columns = ["person_id", "role", "granted_by", "tenant_id"]
    await session.execute(upsert(vendor_roles).from_select(columns, granted).on_conflict_do_nothing())


async def revoke_grant(
    session: WriteSession, tenant_id: UUID, person_id: UUID, role: Role, actor: Actor
) -> bool:
    """False if the person did not hold the role."""
    changed = await session.execute(
        update(role_grants)
        .where(
            role_grants.c.tenant_id == tenant_id,
            role_grants.c.person_id == person_id,
            role_grants.c.role == role.value,
            role_grants.c.revoked_at.is_(None),
        )
        .values(revoked_at=session.clock.now(), revoked_by=actor.id)
        .returning(role_grants.c.id)
    )
    return changed.first() is not None


def role_in_force(at: datetime) -> ColumnElement[bool]:
    return and_(
        role_grants.c.revoked_at.is_(None),
        or_(role_grants.c.expires_at.is_(None), role_grants.c.expires_at > at),
    )


def _person(row: Row[Any], roles: frozenset[Role]) -> Person:
    return Person(row.id, row.tenant_id, row.email, row.name, row.active, roles)
