"""Rows of sessions in and out. Secrets are stored as SHA-256 only."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update

from trust_portal.access.credentials import Credential
from trust_portal.access.sessions.model import Client, Method, Session
from trust_portal.access.tables import sessions
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: How long a replaced secret still serves requests that were under way with it.
ROTATION_GRACE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A live session and whether its secret must be replaced by whoever presents it."""

    session: Session
    rotate: bool


async def insert_session(session: WriteSession, credential: Credential, row: Session) -> None:
    await session.execute(
        insert(sessions).values(
            tenant_id=row.tenant_id,
            id=row.id,
            person_id=row.person_id,
            secret_hash=credential.hash,
            rotate_due=False,
            method=row.method.value,
            user_agent=row.client.user_agent,
            address=row.client.address,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            brought_by=list(row.brought_by),
        )
    )


async def find_session(
    session: ReadSession, credential: Credential, now: datetime, idle: timedelta
) -> StoredSession | None:
    """The live session of this secret: not revoked, neither idle nor old beyond its limits."""
    secret_hash = credential.hash
    row = (
        await session.execute(
            select(sessions).where(
                sessions.c.tenant_id == credential.tenant_id,
                or_(
                    sessions.c.secret_hash == secret_hash,
                    and_(sessions.c.previous_hash == secret_hash, sessions.c.previous_until > now),
                ),
                _live(now, idle),
            )
        )
    ).first()
    if row is None:
        return None
    current = hmac.compare_digest(row.secret_hash, secret_hash)
    if not current and not hmac.compare_digest(row.previous_hash or b"", secret_hash):
        return None
    return StoredSession(_session(row), rotate=current and row.rotate_due)


async def live_sessions(
    session: ReadSession, tenant_id: UUID, person_id: UUID, now: datetime, idle: timedelta
) -> tuple[Session, ...]:
    """Newest first."""
    rows = await session.execute(
        select(sessions)
        .where(sessions.c.tenant_id == tenant_id, sessions.c.person_id == person_id, _live(now, idle))
        .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    )
    return tuple(_session(row) for row in rows)


async def session_owner(session: ReadSession, tenant_id: UUID, session_id: UUID) -> UUID | None:
    row = (
        await session.execute(
            select(sessions.c.person_id).where(
                sessions.c.tenant_id == tenant_id,
                sessions.c.id == session_id,
                sessions.c.revoked_at.is_(None),
            )
        )
    ).first()
    return None if row is None else row.person_id


async def touch(session: WriteSession, tenant_id: UUID, session_id: UUID) -> None:
    await session.execute(
        update(sessions)
        .where(sessions.c.tenant_id == tenant_id, sessions.c.id == session_id)
        .values(last_seen_at=session.clock.now())
    )


async def replace_secret(session: WriteSession, old: Credential, new: Credential) -> bool:
    """Swap the secret of the one session that bears the old one; False if another request just did."""
    changed = await session.execute(
        update(sessions)
        .where(
            sessions.c.tenant_id == old.tenant_id,
            sessions.c.secret_hash == old.hash,
            sessions.c.revoked_at.is_(None),
        )
        .values(
            secret_hash=new.hash,
            previous_hash=old.hash,
            previous_until=session.clock.now() + ROTATION_GRACE,
            rotate_due=False,
        )
        .returning(sessions.c.id)
    )
    return changed.first() is not None


async def demand_rotation(session: WriteSession, tenant_id: UUID, person_id: UUID) -> None:
    """What somebody may do has changed: each of their sessions gets a new secret when next used."""
    await session.execute(
        update(sessions)
        .where(
            sessions.c.tenant_id == tenant_id,
            sessions.c.person_id == person_id,
            sessions.c.revoked_at.is_(None),
        )
        .values(rotate_due=True)
    )


async def revoke_sessions(
    session: WriteSession,
    tenant_id: UUID,
    person_id: UUID,
    *,
    only: UUID | None = None,
    keep: UUID | None = None,
) -> int:
    """End a person's sessions: all, ``only`` one, or all but ``keep``. Returns how many ended."""
    statement = update(sessions).where(
        sessions.c.tenant_id == tenant_id,
        sessions.c.person_id == person_id,
        sessions.c.revoked_at.is_(None),
    )
    if only is not None:
        statement = statement.where(sessions.c.id == only)
    if keep is not None:
        statement = statement.where(sessions.c.id != keep)
    ended = await session.execute(statement.values(revoked_at=session.clock.now()).returning(sessions.c.id))
    return len(ended.all())


async def delete_ended_sessions(
    session: WriteSession, tenant_id: UUID, before: datetime, idle: timedelta
) -> int:
    """Those that were revoked, idle or old beyond their limits at ``before``. Returns how many."""
    ended = or_(
        sessions.c.revoked_at <= before,
        sessions.c.expires_at <= before,
        sessions.c.last_seen_at <= before - idle,
    )
    gone = await session.execute(
        delete(sessions).where(sessions.c.tenant_id == tenant_id, ended).returning(sessions.c.id)
    )
    return len(gone.all())


def _live(now: datetime, idle: timedelta) -> ColumnElement[bool]:
    return and_(
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > now,
        sessions.c.last_seen_at > now - idle,
    )


def _session(row: Row[Any]) -> Session:
    return Session(
        id=row.id,
        tenant_id=row.tenant_id,
        person_id=row.person_id,
        method=Method(row.method),
        client=Client(row.user_agent, row.address),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        brought_by=tuple(row.brought_by),
    )
