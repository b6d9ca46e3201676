"""Receipts as they are read back: what was signed, and what only its owner discloses."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, Uuid, any_, column, func, literal, select, values
from sqlalchemy.dialects.postgresql import ARRAY

from trust_portal.errors import NotFound
from trust_portal.evidence.ledger import Receipt
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.tables import receipt_disclosures, receipts
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession


async def find_receipt(session: ReadSession, tenant_id: UUID, receipt_id: UUID) -> Receipt:
    """One receipt with its disclosures; ``NotFound`` if the tenant has no such receipt."""
    row = (
        await session.execute(
            select(receipts).where(receipts.c.tenant_id == tenant_id, receipts.c.id == receipt_id)
        )
    ).first()
    if row is None:
        raise NotFound("receipt")
    disclosed = await session.execute(
        select(receipt_disclosures.c.disclosure)
        .where(
            receipt_disclosures.c.tenant_id == tenant_id,
            receipt_disclosures.c.receipt_id == receipt_id,
        )
        .order_by(receipt_disclosures.c.position)
    )
    return _receipt(row, tuple(disclosed.scalars()))


async def find_receipts(
    session: ReadSession, tenant_id: UUID, receipt_ids: Collection[UUID]
) -> dict[UUID, Receipt]:
    """Those that are there, by id; without disclosures."""
    rows = await session.execute(
        select(receipts).where(receipts.c.tenant_id == tenant_id, receipts.c.id.in_(receipt_ids))
    )
    return {row.id: _receipt(row) for row in rows}


async def receipts_page(
    session: ReadSession, tenant_id: UUID, request: PageRequest, kind: ReceiptKind | None = None
) -> Page[Receipt]:
    """Newest first by when it happened, of one kind or of all; without disclosures.

    Not by id: ids of receipts that follow from an event are derived from it, and say nothing of time.
    """
    query = select(receipts).where(receipts.c.tenant_id == tenant_id)
    if kind is not None:
        query = query.where(receipts.c.kind == kind.value)
    return await keyset_page(
        session,
        query,
        request,
        order=(receipts.c.at, receipts.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_receipt,
        key=lambda receipt: (receipt.at.isoformat(), str(receipt.id)),
        descending=True,
    )


async def kinds_in_log(session: ReadSession, tenant_id: UUID) -> tuple[ReceiptKind, ...]:
    """Those of which the log has a receipt, in the order of their names: a probe of the index for each there is."""
    known = values(column("kind", Text), name="known").data([(each.value,) for each in ReceiptKind])
    one = select(receipts.c.id).where(receipts.c.tenant_id == tenant_id, receipts.c.kind == known.c.kind)
    rows = await session.execute(select(known.c.kind).where(one.exists()))
    return tuple(ReceiptKind(each) for each in sorted(rows.scalars()))


async def signing_keys_of(
    session: ReadSession, tenant_id: UUID, receipt_ids: Collection[UUID]
) -> dict[UUID, str]:
    """Key ids (hex) by receipt, for those that exist."""
    query = select(receipts.c.id, receipts.c.key_id).where(
        receipts.c.tenant_id == tenant_id, receipts.c.id.in_(receipt_ids)
    )
    return {row.id: row.key_id for row in await session.execute(query)}


async def receipt_digests(session: ReadSession, tenant_id: UUID, *receipt_ids: UUID) -> dict[UUID, str]:
    """Hex SHA-256 of the envelopes of those receipts that are there, by id."""
    if not receipt_ids:
        return {}
    rows = await session.execute(
        select(receipts.c.id, func.encode(func.sha256(receipts.c.envelope), "hex").label("sha256")).where(
            receipts.c.tenant_id == tenant_id, receipts.c.id.in_(receipt_ids)
        )
    )
    return {row.id: row.sha256 for row in rows}


async def digests_of_tenants(
    session: ReadSession, tenant_ids: Collection[UUID], receipt_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID], str]:
    """The same of many receipts of several tenants, by tenant and id. Over more than one only in the staff scope."""
    if not receipt_ids:
        return {}
    column = receipts.c
    wanted = literal(list(receipt_ids), ARRAY(Uuid(as_uuid=True)))
    rows = await session.execute(
        select(
            column.tenant_id, column.id, func.encode(func.sha256(column.envelope), "hex").label("sha256")
        ).where(column.tenant_id.in_(tenant_ids), column.id == any_(wanted))
    )
    return {(row.tenant_id, row.id): row.sha256 for row in rows}


async def receipt_envelopes(session: ReadSession, tenant_id: UUID, *receipt_ids: UUID) -> dict[UUID, bytes]:
    """The stored envelopes of those receipts that are there, by id, in the order asked for."""
    rows = await session.execute(
        select(receipts.c.id, receipts.c.envelope).where(
            receipts.c.tenant_id == tenant_id, receipts.c.id.in_(receipt_ids)
        )
    )
    found = {row.id: bytes(row.envelope) for row in rows}
    return {id_: found[id_] for id_ in receipt_ids if id_ in found}


async def envelopes_of_kind(session: ReadSession, tenant_id: UUID, kind: ReceiptKind) -> dict[UUID, bytes]:
    """The stored envelopes of all receipts of a kind that a tenant has few of, by id, oldest first."""
    rows = await session.execute(
        select(receipts.c.id, receipts.c.envelope)
        .where(receipts.c.tenant_id == tenant_id, receipts.c.kind == kind.value)
        .order_by(receipts.c.at, receipts.c.id)
    )
    return {row.id: bytes(row.envelope) for row in rows}


async def receipts_about(
    session: ReadSession,
    tenant_id: UUID,
    kinds: Collection[ReceiptKind],
    subjects: Collection[str],
    since: datetime,
) -> tuple[Receipt, ...]:
    """Those of these kinds after ``since`` whose first subject has one of these names, oldest first; without disclosures."""
    rows = await session.execute(
        select(receipts)
        .where(
            receipts.c.tenant_id == tenant_id,
            receipts.c.kind.in_([each.value for each in kinds]),
            receipts.c.at > since,
            receipts.c.subjects[0]["name"].astext.in_(subjects),
        )
        .order_by(receipts.c.at, receipts.c.id)
    )
    return tuple(map(_receipt, rows))


def _receipt(row: Row[Any], disclosures: tuple[str, ...] = ()) -> Receipt:
    return Receipt(
        id=row.id,
        tenant_id=row.tenant_id,
        kind=ReceiptKind(row.kind),
        at=row.at,
        actor_name=row.actor_name,
        subjects=tuple(Subject(each["name"], each["sha256"]) for each in row.subjects),
        envelope=row.envelope,
        disclosures=disclosures,
    )
