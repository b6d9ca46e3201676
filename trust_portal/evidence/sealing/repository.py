"""Customers' keys, wrapped data keys and what is stored without a seal, as rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, insert, select, union, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from trust_portal.errors import Conflict
from trust_portal.evidence.sealing.model import CustomerKey, KeyAct, SealCounts
from trust_portal.evidence.sealing.seal import BUNDLE
from trust_portal.evidence.tables import artefacts, customer_keys, data_keys, export_files, exports
from trust_portal.kernel.actor import Actor
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def current_key(session: ReadSession, tenant_id: UUID) -> CustomerKey | None:
    """The newest act; ``None`` where the tenant never enabled a key."""
    query = _acts(tenant_id).order_by(customer_keys.c.ordinal.desc()).limit(1)
    row = (await session.execute(query)).first()
    return None if row is None else _key(row)


async def key_history(session: ReadSession, tenant_id: UUID) -> tuple[CustomerKey, ...]:
    """Newest first."""
    rows = await session.execute(_acts(tenant_id).order_by(customer_keys.c.ordinal.desc()))
    return tuple(_key(row) for row in rows)


async def add_key(session: WriteSession, key: CustomerKey, actor: Actor) -> None:
    """``Conflict`` (STALE) where somebody was quicker."""
    added = await session.execute(
        insert_or(customer_keys)
        .values(
            tenant_id=key.tenant_id,
            ordinal=key.ordinal,
            act=key.act.value,
            key_id=key.key_id,
            public_key=key.public_key,
            at=key.at,
            by_id=actor.id,
            by_name=key.by,
            reason=key.reason,
            receipt_id=key.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(customer_keys.c.ordinal)
    )
    if added.first() is None:
        raise Conflict("the customer's key was changed meanwhile", code="STALE")


async def find_data_key(session: ReadSession, tenant_id: UUID, export_id: UUID) -> tuple[str, bytes] | None:
    """Under which key the export's data key is wrapped, and how; ``None`` where nothing of it is sealed."""
    row = (
        await session.execute(
            select(data_keys.c.key_id, data_keys.c.wrapped).where(
                data_keys.c.tenant_id == tenant_id, data_keys.c.export_id == export_id
            )
        )
    ).first()
    return None if row is None else (row.key_id, row.wrapped)


async def put_data_key(
    session: WriteSession, tenant_id: UUID, export_id: UUID, key_id: str, wrapped: bytes, at: datetime
) -> None:
    """In place of the one there is: what an old key wrapped is not kept."""
    await session.execute(
        delete(data_keys).where(data_keys.c.tenant_id == tenant_id, data_keys.c.export_id == export_id)
    )
    await session.execute(
        insert(data_keys).values(
            tenant_id=tenant_id, export_id=export_id, key_id=key_id, wrapped=wrapped, at=at
        )
    )


async def plain_contents(session: ReadSession, tenant_id: UUID, export_id: UUID) -> dict[str, bytes]:
    """What is stored of an export without a seal: its files by name, and the bundle."""
    files = await session.execute(
        select(export_files.c.name, export_files.c.content).where(
            export_files.c.tenant_id == tenant_id,
            export_files.c.export_id == export_id,
            ~export_files.c.sealed,
        )
    )
    found = {row.name: row.content for row in files}
    rows = await session.execute(
        select(artefacts.c.content).where(
            artefacts.c.tenant_id == tenant_id, artefacts.c.export_id == export_id, ~artefacts.c.sealed
        )
    )
    bundle = rows.scalar_one_or_none()
    return found if bundle is None else found | {BUNDLE: bundle}


async def replace_with_sealed(
    session: WriteSession, tenant_id: UUID, export_id: UUID, sealed: Mapping[str, bytes]
) -> None:
    """Once: the table's guard lets a plain content become a sealed one, and nothing else."""
    for name, content in sealed.items():
        if name == BUNDLE:
            await session.execute(
                update(artefacts)
                .where(
                    artefacts.c.tenant_id == tenant_id,
                    artefacts.c.export_id == export_id,
                    ~artefacts.c.sealed,
                )
                .values(content=content, sealed=True)
            )
        else:
            await session.execute(
                update(export_files)
                .where(
                    export_files.c.tenant_id == tenant_id,
                    export_files.c.export_id == export_id,
                    export_files.c.name == name,
                    ~export_files.c.sealed,
                )
                .values(content=content, sealed=True)
            )


async def unsealed_exports(
    session: ReadSession, tenant_id: UUID, limit: int, but: Collection[UUID] = ()
) -> tuple[UUID, ...]:
    """Exports of which something is stored without a seal, oldest first; all ``but`` these."""
    plain = _plain(tenant_id).subquery()
    query = select(plain.c.export_id).where(plain.c.export_id.not_in([*but]))
    rows = await session.execute(query.order_by(plain.c.export_id).limit(limit))
    return tuple(row.export_id for row in rows)


async def exports_under_another(
    session: ReadSession, tenant_id: UUID, key_id: str, limit: int, but: Collection[UUID] = ()
) -> tuple[UUID, ...]:
    """Exports whose data key another key than this one wraps, oldest first; all ``but`` these."""
    rows = await session.execute(
        select(data_keys.c.export_id)
        .where(
            data_keys.c.tenant_id == tenant_id,
            data_keys.c.key_id != key_id,
            data_keys.c.export_id.not_in([*but]),
        )
        .order_by(data_keys.c.export_id)
        .limit(limit)
    )
    return tuple(row.export_id for row in rows)


async def seal_counts(session: ReadSession, tenant_id: UUID, key_id: str) -> SealCounts:
    plain = _plain(tenant_id).subquery()
    unsealed = await session.execute(select(func.count()).select_from(plain))
    another = func.count().filter(data_keys.c.key_id != key_id)
    wrapped = await session.execute(
        select(func.count().label("sealed"), another.label("another")).where(
            data_keys.c.tenant_id == tenant_id
        )
    )
    found = wrapped.one()
    return SealCounts(found.sealed, found.another, unsealed.scalar_one())


async def newest_sealed_bundle(session: ReadSession, tenant_id: UUID) -> tuple[UUID, bytes, bytes] | None:
    """Its export, its sealed bytes, and the SHA-256 of the bundle itself; ``None`` where there is none."""
    row = (
        await session.execute(
            select(artefacts.c.export_id, artefacts.c.content, exports.c.digest)
            .join(
                exports,
                (exports.c.tenant_id == artefacts.c.tenant_id) & (exports.c.id == artefacts.c.export_id),
            )
            .where(artefacts.c.tenant_id == tenant_id, exports.c.tenant_id == tenant_id, artefacts.c.sealed)
            .order_by(artefacts.c.export_id.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else (row.export_id, row.content, row.digest)


def _plain(tenant_id: UUID) -> Any:
    return union(
        select(export_files.c.export_id).where(export_files.c.tenant_id == tenant_id, ~export_files.c.sealed),
        select(artefacts.c.export_id).where(artefacts.c.tenant_id == tenant_id, ~artefacts.c.sealed),
    )


def _acts(tenant_id: UUID) -> Select[Any]:
    return select(customer_keys).where(customer_keys.c.tenant_id == tenant_id)


def _key(row: Row[Any]) -> CustomerKey:
    return CustomerKey(
        tenant_id=row.tenant_id,
        ordinal=row.ordinal,
        act=KeyAct(row.act),
        key_id=row.key_id,
        public_key=row.public_key,
        at=row.at,
        by=row.by_name,
        reason=row.reason,
        receipt_id=row.receipt_id,
    )
