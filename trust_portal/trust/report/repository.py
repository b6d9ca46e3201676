"""Published Trust Reports in and out of their table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select

from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.report.latest import Named
from trust_portal.trust.report.model import NOUN, Acknowledged, StoredTrustReport
from trust_portal.trust.report.tables import trust_reports

_COLUMNS = [column for column in trust_reports.c if column.name != "document"]
_later = trust_reports.alias("later")


@dataclass(frozen=True, slots=True)
class Published:
    """A published report with its canonical bytes."""

    report: StoredTrustReport
    document: bytes


async def add_trust_report(
    session: WriteSession, report: StoredTrustReport, document: bytes, actor: Actor
) -> None:
    """``Conflict`` (REPORT_CHANGED) where another was published meanwhile."""
    meanwhile = Conflict(
        "another Trust Report was published meanwhile; look at it and try again", code="REPORT_CHANGED"
    )
    with duplicates_are(meanwhile, trust_reports.name):
        await session.execute(
            insert(trust_reports).values(
                tenant_id=report.tenant_id,
                id=report.id,
                number=report.number,
                before=report.number - 1 or None,
                period=report.period,
                revision=report.revision,
                superseded=report.revision - 1 or None,
                as_of=report.as_of,
                document=document,
                sha256=report.sha256,
                acknowledged=[each.json() for each in report.acknowledged],
                reason=report.reason,
                published_at=report.published_at,
                publisher_id=actor.id,
                publisher_name=report.published_by,
                receipt_id=report.receipt_id,
            )
        )


async def trust_reports_of(session: ReadSession, tenant_id: UUID) -> tuple[StoredTrustReport, ...]:
    """Every published report of a tenant, the newest first."""
    rows = await session.execute(_query(tenant_id).order_by(trust_reports.c.number.desc()))
    return tuple(_report(row) for row in rows)


async def trust_reports_page(
    session: ReadSession, tenant_id: UUID, request: PageRequest
) -> Page[StoredTrustReport]:
    """Published reports of a tenant, the newest first."""
    return await keyset_page(
        session,
        _query(tenant_id),
        request,
        order=(trust_reports.c.number,),
        parse=(int,),
        read=_report,
        key=lambda each: (str(each.number),),
        descending=True,
    )


async def documents_of(session: ReadSession, tenant_id: UUID) -> dict[UUID, bytes]:
    """Every published report's RFC 8785 bytes, by id."""
    query = select(trust_reports.c.id, trust_reports.c.document).where(trust_reports.c.tenant_id == tenant_id)
    return {row.id: bytes(row.document) for row in await session.execute(query)}


async def published_of(
    session: ReadSession, tenant_ids: Collection[UUID]
) -> Mapping[UUID, tuple[Named, ...]]:
    """By tenant the names of all that are published; in the staff scope."""
    columns = trust_reports.c
    query = select(columns.tenant_id, columns.id, columns.period, columns.revision)
    found: dict[UUID, list[Named]] = {}
    for row in await session.execute(query.where(columns.tenant_id.in_(tenant_ids))):
        found.setdefault(row.tenant_id, []).append(Named(row.id, row.period, row.revision))
    return {tenant_id: tuple(each) for tenant_id, each in found.items()}


async def trust_report_of_period(
    session: ReadSession, tenant_id: UUID, period: str, revision: int | None = None
) -> StoredTrustReport | None:
    """The period's last published one, or a given revision."""
    query = _query(tenant_id).where(trust_reports.c.period == period)
    if revision is not None:
        query = query.where(trust_reports.c.revision == revision)
    row = (await session.execute(query.order_by(trust_reports.c.revision.desc()).limit(1))).first()
    return None if row is None else _report(row)


async def find_trust_report(session: ReadSession, tenant_id: UUID, report_id: UUID) -> Published:
    """``NotFound`` if the tenant has no such report."""
    query = _query(tenant_id).add_columns(trust_reports.c.document).where(trust_reports.c.id == report_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound(NOUN)
    return Published(_report(row), bytes(row.document))


def _query(tenant_id: UUID) -> Select[Any]:
    """Reports with the revision that took their place, if one did."""
    superseded_by = (
        select(_later.c.revision)
        .where(
            _later.c.tenant_id == trust_reports.c.tenant_id,
            _later.c.period == trust_reports.c.period,
            _later.c.superseded == trust_reports.c.revision,
        )
        .correlate(trust_reports)
        .scalar_subquery()
    )
    return select(*_COLUMNS, superseded_by.label("superseded_by")).where(
        trust_reports.c.tenant_id == tenant_id
    )


def _report(row: Row[Any]) -> StoredTrustReport:
    return StoredTrustReport(
        id=row.id,
        tenant_id=row.tenant_id,
        number=row.number,
        period=row.period,
        revision=row.revision,
        as_of=row.as_of,
        sha256=row.sha256,
        acknowledged=tuple(Acknowledged.of(each) for each in row.acknowledged),
        reason=row.reason,
        published_at=row.published_at,
        published_by=row.publisher_name,
        receipt_id=row.receipt_id,
        superseded_by=row.superseded_by,
    )
