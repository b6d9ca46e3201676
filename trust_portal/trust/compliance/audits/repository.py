"""Audits in and out of their table."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.audits.record import ReceiptAudit
from trust_portal.trust.compliance.tables import receipt_audits


async def add_audit(session: WriteSession, audit: ReceiptAudit) -> None:
    await session.execute(
        insert(receipt_audits).values(
            tenant_id=audit.tenant_id,
            id=audit.id,
            began_at=audit.began_at,
            ended_at=audit.ended_at,
            receipts=audit.receipts,
            checkpoints=audit.checkpoints,
            artefacts=audit.artefacts,
            finding_count=audit.finding_count,
            findings=[
                {"code": code, "where": where, "message": message} for code, where, message in audit.findings
            ],
            receipt_id=audit.receipt_id,
        )
    )


async def newest_audits(session: ReadSession, tenant_id: UUID, limit: int) -> tuple[ReceiptAudit, ...]:
    """The latest first."""
    columns = receipt_audits.c
    rows = await session.execute(
        select(receipt_audits)
        .where(columns.tenant_id == tenant_id)
        .order_by(columns.ended_at.desc(), columns.id.desc())
        .limit(limit)
    )
    return tuple(map(_audit, rows))


async def audited_at(session: ReadSession, tenant_id: UUID) -> datetime | None:
    """When the last one ended."""
    newest = await newest_audits(session, tenant_id, 1)
    return newest[0].ended_at if newest else None


def _audit(row: Row[Any]) -> ReceiptAudit:
    return ReceiptAudit(
        id=row.id,
        tenant_id=row.tenant_id,
        began_at=row.began_at,
        ended_at=row.ended_at,
        receipts=row.receipts,
        checkpoints=row.checkpoints,
        artefacts=row.artefacts,
        finding_count=row.finding_count,
        findings=tuple((each["code"], each["where"], each["message"]) for each in row.findings),
        receipt_id=row.receipt_id,
    )
