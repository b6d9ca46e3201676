"""Exports as rows. Everything here runs in the caller's transaction, in its tenant's scope."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from trust_portal.errors import NotFound
from trust_portal.evidence.export import BUNDLE_MEDIA_TYPE, Artefact, Export, ExportState
from trust_portal.evidence.sealing.seal import BUNDLE
from trust_portal.evidence.sealing.vault import Sealed, Shut, Vault
from trust_portal.evidence.tables import artefacts, export_files, exports
from trust_portal.kernel.actor_record import actor_from_json, actor_to_json
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_export(session: WriteSession, export: Export) -> bool:
    """Whether this was the first request for its kind, subject and revision."""
    row = await session.execute(
        insert_or(exports)
        .values(
            tenant_id=export.tenant_id,
            id=export.id,
            kind=export.kind,
            subject_id=export.subject_id,
            revision=export.revision,
            state=export.state.value,
            step=export.step,
            percent=export.percent,
            requested_by=actor_to_json(export.requested_by),
            requested_at=export.requested_at,
            manifest_receipt_id=export.manifest_receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(exports.c.id)
    )
    return row.first() is not None


async def change_export(session: WriteSession, tenant_id: UUID, export_id: UUID, **values: Any) -> None:
    await session.execute(
        update(exports).where(exports.c.tenant_id == tenant_id, exports.c.id == export_id).values(**values)
    )


async def find_export(
    session: ReadSession, tenant_id: UUID, export_id: UUID, *, lock: bool = False
) -> Export:
    """``NotFound`` if the tenant has no such export. ``lock`` holds the row until the commit."""
    query = select(exports).where(exports.c.tenant_id == tenant_id, exports.c.id == export_id)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound("export")
    return _export(row)


async def lock_rendered(session: WriteSession, tenant_id: UUID) -> None:
    """Holds, until the commit, all that wait to be packed: one of a tenant is finished at a time."""
    waiting = exports.c.state == ExportState.RENDERED.value
    query = select(exports.c.id).where(exports.c.tenant_id == tenant_id, waiting)
    await session.execute(query.order_by(exports.c.id).with_for_update())


async def find_export_of(
    session: ReadSession, tenant_id: UUID, kind: str, subject_id: UUID, revision: int
) -> Export | None:
    row = (
        await session.execute(
            select(exports).where(
                exports.c.tenant_id == tenant_id,
                exports.c.kind == kind,
                exports.c.subject_id == subject_id,
                exports.c.revision == revision,
            )
        )
    ).first()
    return None if row is None else _export(row)


async def exports_of(
    session: ReadSession, tenant_id: UUID, kind: str, subject_ids: Collection[UUID]
) -> tuple[Export, ...]:
    """Every revision of some subjects, in the order of asking."""
    query = select(exports).where(
        exports.c.tenant_id == tenant_id, exports.c.kind == kind, exports.c.subject_id.in_(subject_ids)
    )
    return tuple(_export(row) for row in await session.execute(query.order_by(exports.c.id)))


async def list_exports(session: ReadSession, tenant_id: UUID, page: PageRequest) -> Page[Export]:
    """A tenant's exports, newest first."""
    return await keyset_page(
        session,
        select(exports).where(exports.c.tenant_id == tenant_id),
        page,
        order=(exports.c.id,),
        parse=(UUID,),
        read=_export,
        key=lambda export: (str(export.id),),
        descending=True,
    )


async def finished_exports(session: ReadSession, tenant_id: UUID | None) -> tuple[Export, ...]:
    """Those with a bundle, oldest first; of every tenant in the staff scope."""
    query = select(exports).where(exports.c.state == ExportState.READY.value).order_by(exports.c.id)
    if tenant_id is not None:
        query = query.where(exports.c.tenant_id == tenant_id)
    return tuple(_export(row) for row in await session.execute(query))


async def newest_finished(session: ReadSession, tenant_id: UUID) -> Export | None:
    """The tenant's newest bundle; None while there is none."""
    query = (
        select(exports)
        .where(exports.c.tenant_id == tenant_id, exports.c.state == ExportState.READY.value)
        .order_by(exports.c.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).first()
    return None if row is None else _export(row)


async def last_tree_size(session: ReadSession, tenant_id: UUID) -> int:
    """Size of the tree the tenant's newest finished export led to; 0 if there is none."""
    query = (
        select(exports.c.tree_size)
        .where(exports.c.tenant_id == tenant_id, exports.c.state == ExportState.READY.value)
        .order_by(exports.c.tree_size.desc())
        .limit(1)
    )
    return (await session.execute(query)).scalar() or 0


async def add_files(session: WriteSession, vault: Vault, files: Sealed) -> None:
    """Sealed, where the tenant has enabled a key; refused as ``Vault.keep`` refuses."""
    await vault.keep(session, files)
    for name, content in files.contents.items():
        await session.execute(
            insert(export_files).values(
                tenant_id=files.standing.tenant_id,
                export_id=files.standing.export_id,
                name=name,
                content=content,
                sealed=files.is_sealed,
            )
        )


async def stored_files(session: ReadSession, vault: Vault, tenant_id: UUID, export_id: UUID) -> Shut:
    """To be opened once the transaction is over. ``Conflict`` where the key is withdrawn."""
    rows = (
        await session.execute(
            select(export_files.c.name, export_files.c.content, export_files.c.sealed).where(
                export_files.c.tenant_id == tenant_id, export_files.c.export_id == export_id
            )
        )
    ).all()
    plain = {row.name: row.content for row in rows if not row.sealed}
    sealed = {row.name: row.content for row in rows if row.sealed}
    return await vault.fetch(session, tenant_id, export_id, plain=plain, sealed=sealed)


async def add_artefact(session: WriteSession, vault: Vault, bundle: Sealed, at: datetime) -> None:
    """Sealed like the files it is made of."""
    await vault.keep(session, bundle)
    await session.execute(
        insert(artefacts).values(
            tenant_id=bundle.standing.tenant_id,
            export_id=bundle.standing.export_id,
            media_type=BUNDLE_MEDIA_TYPE,
            content=bundle.contents[BUNDLE],
            sealed=bundle.is_sealed,
            created_at=at,
        )
    )


@dataclass(frozen=True, slots=True)
class StoredArtefact:
    """A finished bundle, shut."""

    file_name: str
    media_type: str
    sha256: str
    shut: Shut

    async def opened(self, vault: Vault) -> Artefact:
        """In no transaction; refused as ``Vault.open`` refuses."""
        content = (await vault.open(self.shut))[BUNDLE]
        return Artefact(self.file_name, self.media_type, content, self.sha256)


async def find_artefact(
    session: ReadSession, vault: Vault, tenant_id: UUID, export_id: UUID
) -> StoredArtefact:
    """``NotFound`` while the export is not ready; ``Conflict`` where the key is withdrawn."""
    row = (
        await session.execute(
            select(
                exports.c.file_name,
                exports.c.digest,
                artefacts.c.media_type,
                artefacts.c.content,
                artefacts.c.sealed,
            )
            .join(
                artefacts,
                (artefacts.c.tenant_id == exports.c.tenant_id) & (artefacts.c.export_id == exports.c.id),
            )
            .where(
                exports.c.tenant_id == tenant_id,
                artefacts.c.tenant_id == tenant_id,
                exports.c.id == export_id,
            )
        )
    ).first()
    if row is None:
        raise NotFound("bundle")
    content = {BUNDLE: row.content}
    plain, sealed = ({}, content) if row.sealed else (content, {})
    shut = await vault.fetch(session, tenant_id, export_id, plain=plain, sealed=sealed)
    return StoredArtefact(row.file_name, row.media_type, row.digest.hex(), shut)


def _export(row: Row[Any]) -> Export:
    return Export(
        id=row.id,
        tenant_id=row.tenant_id,
        kind=row.kind,
        subject_id=row.subject_id,
        revision=row.revision,
        state=ExportState(row.state),
        step=row.step,
        percent=row.percent,
        failure=row.failure,
        requested_by=actor_from_json(row.requested_by),
        requested_at=row.requested_at,
        manifest_receipt_id=row.manifest_receipt_id,
        previous_size=row.previous_size,
        meanwhile_size=row.meanwhile_size,
        receipt_ids=tuple(UUID(each) for each in row.receipt_ids or ()),
        file_name=row.file_name,
        tree_size=row.tree_size,
        size=row.size,
        digest=None if row.digest is None else row.digest.hex(),
        finished_at=row.finished_at,
    )


async def file_names(session: ReadSession, tenant_id: UUID, export_id: UUID) -> tuple[str, ...]:
    """Of what is stored of an export beside its bundle, sorted."""
    columns = export_files.c
    rows = await session.execute(
        select(columns.name)
        .where(columns.tenant_id == tenant_id, columns.export_id == export_id)
        .order_by(columns.name)
    )
    return tuple(row.name for row in rows)
