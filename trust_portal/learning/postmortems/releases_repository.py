"""Releases (the vendor's) and copies (their customers') in and out of their tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import Person
from trust_portal.learning.postmortems.releases_model import ReleasedCopy, StoredCopy, StoredRelease
from trust_portal.learning.postmortems.tables import postmortem_copies, postmortem_releases
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_releases, _copies = postmortem_releases.c, postmortem_copies.c


async def add_release(session: WriteSession, release: StoredRelease) -> None:
    """``Conflict`` (ALREADY_RELEASED) where somebody was faster."""
    taken = Conflict("somebody released or disclosed it meanwhile: look again", code="ALREADY_RELEASED")
    with duplicates_are(taken, postmortem_releases.name):
        await session.execute(
            insert(postmortem_releases).values(
                tenant_id=VENDOR_ID,
                id=release.id,
                postmortem_id=release.postmortem_id,
                version=release.version,
                customer_id=release.customer_id,
                revision=release.revision,
                profile=release.profile,
                profile_text=release.profile_text,
                document=release.document,
                sha256=release.sha256,
                withheld=dict(release.withheld),
                disclosed=list(release.disclosed),
                acknowledged=dict(release.acknowledged),
                actor_id=release.by.id,
                actor_name=release.by.name,
                reason=release.reason,
                at=release.at,
                receipt_id=release.receipt_id,
            )
        )


async def find_release(session: ReadSession, release_id: UUID) -> StoredRelease:
    """``NotFound`` where there is none."""
    query = select(postmortem_releases).where(_releases.tenant_id == VENDOR_ID, _releases.id == release_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound("release")
    return _release(row)


async def newest_release(
    session: ReadSession, postmortem_id: UUID, version: int, customer_id: UUID
) -> StoredRelease | None:
    """As the customer's copy now stands."""
    row = (
        await session.execute(
            select(postmortem_releases)
            .where(
                _releases.tenant_id == VENDOR_ID,
                _releases.postmortem_id == postmortem_id,
                _releases.version == version,
                _releases.customer_id == customer_id,
            )
            .order_by(_releases.revision.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else _release(row)


async def releases_of(session: ReadSession, postmortem_id: UUID) -> tuple[StoredRelease, ...]:
    """All of a postmortem, the newest first."""
    rows = await session.execute(
        select(postmortem_releases)
        .where(_releases.tenant_id == VENDOR_ID, _releases.postmortem_id == postmortem_id)
        .order_by(_releases.at.desc(), _releases.id.desc())
    )
    return tuple(_release(row) for row in rows)


async def add_copy(session: WriteSession, copy: StoredCopy) -> None:
    await session.execute(
        insert(postmortem_copies).values(
            tenant_id=copy.tenant_id,
            id=copy.id,
            postmortem_id=copy.postmortem_id,
            incident_id=copy.incident_id,
            version=copy.version,
            revision=copy.revision,
            profile_text=copy.profile_text,
            document=copy.document,
            sha256=copy.sha256,
            original_sha256=copy.original_sha256,
            disclosures=list(copy.disclosures),
            at=copy.at,
            receipt_id=copy.receipt_id,
        )
    )


async def find_copy(session: ReadSession, tenant_id: UUID, copy_id: UUID) -> StoredCopy:
    """``NotFound`` where the customer has none like that."""
    query = select(postmortem_copies).where(_copies.tenant_id == tenant_id, _copies.id == copy_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound("postmortem")
    return _copy(row)


async def copies_of(
    session: ReadSession, tenant_id: UUID, postmortem_id: UUID | None = None
) -> tuple[StoredCopy, ...]:
    """Of each postmortem and version the newest revision, the latest first."""
    query = select(postmortem_copies).where(_copies.tenant_id == tenant_id)
    if postmortem_id is not None:
        query = query.where(_copies.postmortem_id == postmortem_id)
    rows = await session.execute(query.order_by(_copies.at.desc(), _copies.revision.desc()))
    newest: dict[tuple[UUID, int], StoredCopy] = {}
    for row in rows:
        newest.setdefault((row.postmortem_id, row.version), _copy(row))
    return tuple(newest.values())


async def newest_copies(
    session: ReadSession, tenant_id: UUID, incident_ids: Collection[UUID]
) -> dict[UUID, ReleasedCopy]:
    """By incident: of the latest version that the customer has, the newest revision."""
    query = select(
        _copies.id, _copies.tenant_id, _copies.incident_id, _copies.version, _copies.sha256, _copies.at
    ).where(_copies.tenant_id == tenant_id, _copies.incident_id.in_(incident_ids))
    rows = await session.execute(query.order_by(_copies.version, _copies.revision))
    return {
        row.incident_id: ReleasedCopy(
            id=row.id,
            tenant_id=row.tenant_id,
            incident_id=row.incident_id,
            version=row.version,
            sha256=row.sha256,
            at=row.at,
        )
        for row in rows
    }


async def copy_before(session: ReadSession, copy: StoredCopy) -> UUID | None:
    """The receipt of the copy's revision before this one."""
    found: UUID | None = (
        await session.execute(
            select(_copies.receipt_id).where(
                _copies.tenant_id == copy.tenant_id,
                _copies.postmortem_id == copy.postmortem_id,
                _copies.version == copy.version,
                _copies.revision == copy.revision - 1,
            )
        )
    ).scalar_one_or_none()
    return found


async def has_copy(session: ReadSession, tenant_id: UUID, copy_id: UUID) -> bool:
    query = select(_copies.id).where(_copies.tenant_id == tenant_id, _copies.id == copy_id)
    return (await session.execute(query)).first() is not None


def _release(row: Row[Any]) -> StoredRelease:
    return StoredRelease(
        id=row.id,
        postmortem_id=row.postmortem_id,
        version=row.version,
        customer_id=row.customer_id,
        revision=row.revision,
        profile=row.profile,
        profile_text=row.profile_text,
        document=bytes(row.document),
        sha256=row.sha256,
        withheld=row.withheld,
        disclosed=tuple(row.disclosed),
        acknowledged=row.acknowledged,
        by=Person(row.actor_id, row.actor_name),
        reason=row.reason,
        at=row.at,
        receipt_id=row.receipt_id,
    )


def _copy(row: Row[Any]) -> StoredCopy:
    return StoredCopy(
        id=row.id,
        tenant_id=row.tenant_id,
        postmortem_id=row.postmortem_id,
        incident_id=row.incident_id,
        version=row.version,
        revision=row.revision,
        profile_text=row.profile_text,
        document=bytes(row.document),
        sha256=row.sha256,
        original_sha256=row.original_sha256,
        disclosures=tuple(row.disclosures),
        at=row.at,
        receipt_id=row.receipt_id,
    )
