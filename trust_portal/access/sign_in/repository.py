"""Rows of sign-in links and linked OpenID identities in and out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.credentials import Credential
from trust_portal.access.people.model import PersonRef
from trust_portal.access.tables import oidc_identities, sign_in_links
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class MadeLink:
    """By whom, and for whom."""

    maker_id: UUID
    person_id: UUID


@dataclass(frozen=True, slots=True)
class UsedLink:
    """Whose it was; ``brought_by`` who made it, and who made the link by which that one had come in."""

    person_id: UUID
    brought_by: tuple[UUID, ...]


async def insert_link(
    session: WriteSession,
    credential: Credential,
    person_id: UUID,
    actor: Actor,
    expires_at: datetime,
    *,
    brought_by: Collection[UUID],
) -> UUID:
    """``brought_by``: who made the links by which ``actor`` had come in."""
    link_id = new_id()
    await session.execute(
        insert(sign_in_links).values(
            tenant_id=credential.tenant_id,
            id=link_id,
            person_id=person_id,
            secret_hash=credential.hash,
            created_at=session.clock.now(),
            created_by=actor.id,
            expires_at=expires_at,
            brought_by=list(brought_by),
        )
    )
    return link_id


async def maker_of_link(session: ReadSession, credential: Credential) -> MadeLink | None:
    """None where there is no link with this secret."""
    query = select(sign_in_links.c.created_by, sign_in_links.c.person_id).where(
        sign_in_links.c.tenant_id == credential.tenant_id, sign_in_links.c.secret_hash == credential.hash
    )
    row = (await session.execute(query)).first()
    return None if row is None else MadeLink(row.created_by, row.person_id)


async def use_link(session: WriteSession, credential: Credential) -> UsedLink | None:
    """Mark the link as used and say whose it is; None unless it is unused and in time.

    One statement, so of many who try at once exactly one finds it unused.
    """
    now = session.clock.now()
    row = (
        await session.execute(
            update(sign_in_links)
            .where(
                sign_in_links.c.tenant_id == credential.tenant_id,
                sign_in_links.c.secret_hash == credential.hash,
                sign_in_links.c.used_at.is_(None),
                sign_in_links.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(sign_in_links.c.person_id, sign_in_links.c.created_by, sign_in_links.c.brought_by)
        )
    ).first()
    return None if row is None else UsedLink(row.person_id, (row.created_by, *row.brought_by))


async def void_links(session: WriteSession, tenant_id: UUID, person_id: UUID) -> None:
    """A new link replaces those that still wait."""
    await session.execute(
        update(sign_in_links)
        .where(
            sign_in_links.c.tenant_id == tenant_id,
            sign_in_links.c.person_id == person_id,
            sign_in_links.c.used_at.is_(None),
        )
        .values(used_at=session.clock.now())
    )


async def delete_ended_links(session: WriteSession, tenant_id: UUID, before: datetime) -> int:
    """Those that were spent, void or too old at ``before``. Returns how many."""
    ended = or_(sign_in_links.c.used_at <= before, sign_in_links.c.expires_at <= before)
    gone = await session.execute(
        delete(sign_in_links)
        .where(sign_in_links.c.tenant_id == tenant_id, ended)
        .returning(sign_in_links.c.id)
    )
    return len(gone.all())


@dataclass(frozen=True, slots=True)
class LinkedPerson:
    """``connected_at``: when they connected it themselves; None: it was found by its address.

    ``brought_by``: who made the links by which they had come in when they did.
    """

    ref: PersonRef
    connected_at: datetime | None
    brought_by: tuple[UUID, ...]


async def linked_people(session: ReadSession, issuer: str, subject: str) -> tuple[LinkedPerson, ...]:
    """Whose this identity is. For the staff scope."""
    rows = await session.execute(
        select(oidc_identities)
        .where(oidc_identities.c.issuer == issuer, oidc_identities.c.subject == subject)
        .order_by(oidc_identities.c.tenant_id)
    )
    return tuple(
        LinkedPerson(PersonRef(row.tenant_id, row.person_id), row.connected_at, tuple(row.brought_by))
        for row in rows
    )


async def link_identity(session: WriteSession, issuer: str, subject: str, person: PersonRef) -> None:
    """It was found by its address; from now on the subject is this person, whatever becomes of the address."""
    await session.execute(
        upsert(oidc_identities)
        .values(
            issuer=issuer,
            subject=subject,
            tenant_id=person.tenant_id,
            person_id=person.person_id,
            linked_at=session.clock.now(),
        )
        .on_conflict_do_nothing()
    )


async def connect_identity(
    session: WriteSession, issuer: str, subject: str, person: PersonRef, brought_by: Collection[UUID]
) -> None:
    """The person, signed in, says that the subject is theirs. In their tenant it is nobody else's then."""
    now = session.clock.now()
    statement = upsert(oidc_identities).values(
        issuer=issuer,
        subject=subject,
        tenant_id=person.tenant_id,
        person_id=person.person_id,
        linked_at=now,
        connected_at=now,
        brought_by=list(brought_by),
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["issuer", "subject", "tenant_id"],
            set_={
                name: statement.excluded[name]
                for name in ("person_id", "linked_at", "connected_at", "brought_by")
            },
        )
    )
