"""Evaluations in and out of their table."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, true

from trust_portal.access.tables import tenants
from trust_portal.errors import NotFound
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.document import evaluation_of
from trust_portal.trust.compliance.model import ControlState, Evaluation, Summary
from trust_portal.trust.compliance.tables import compliance_evaluations

#: Logs that have something to judge for a day at least, and have not been judged since; and those that were judged
#: before assessments from elsewhere changed.
_DUE: Final = """
SELECT t.tenant_id FROM tenants t
LEFT JOIN LATERAL (
    SELECT max(c.at) AS at FROM compliance_evaluations c WHERE c.tenant_id = t.tenant_id
) judged ON true
WHERE t.offboarded_at IS NULL
  AND (coalesce(judged.at, (SELECT min(r.at) FROM receipts r WHERE r.tenant_id = t.tenant_id)) <= $1
       OR judged.at < $3)
ORDER BY t.tenant_id <> $2, t.key
"""


async def add_evaluation(session: WriteSession, evaluation: Evaluation) -> None:
    await session.execute(
        insert(compliance_evaluations).values(
            tenant_id=evaluation.tenant_id,
            id=evaluation.id,
            at=evaluation.at,
            document=evaluation.document,
            sha256=evaluation.sha256,
            satisfied=evaluation.count(ControlState.SATISFIED),
            not_satisfied=evaluation.count(ControlState.NOT_SATISFIED),
            not_evaluated=evaluation.count(ControlState.NOT_EVALUATED),
            receipt_id=evaluation.receipt_id,
        )
    )


async def newest_evaluation(session: ReadSession, tenant_id: UUID) -> Evaluation | None:
    """``None`` where the tenant was never evaluated."""
    columns = compliance_evaluations.c
    row = (
        await session.execute(
            select(compliance_evaluations)
            .where(columns.tenant_id == tenant_id)
            .order_by(columns.at.desc(), columns.id.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else _evaluation(row)


async def find_evaluation(session: ReadSession, tenant_id: UUID, evaluation_id: UUID) -> Evaluation:
    """``NotFound`` where the tenant has none of this id."""
    columns = compliance_evaluations.c
    row = (
        await session.execute(
            select(compliance_evaluations).where(columns.tenant_id == tenant_id, columns.id == evaluation_id)
        )
    ).first()
    if row is None:
        raise NotFound("evaluation")
    return _evaluation(row)


async def evaluations_page(session: ReadSession, tenant_id: UUID, request: PageRequest) -> Page[Evaluation]:
    """Every one of a tenant, newest first."""
    columns = compliance_evaluations.c
    return await keyset_page(
        session,
        select(compliance_evaluations).where(columns.tenant_id == tenant_id),
        request,
        order=(columns.at, columns.id),
        parse=(datetime.fromisoformat, UUID),
        read=_evaluation,
        key=lambda each: (rfc3339(each.at), str(each.id)),
        descending=True,
    )


async def standings_page(session: ReadSession, request: PageRequest) -> Page[Summary]:
    """Customers in service by key, each with its latest evaluation. For the staff scope."""
    columns = compliance_evaluations.c
    newest = (
        select(columns.at, columns.satisfied, columns.not_satisfied, columns.not_evaluated)
        .where(columns.tenant_id == tenants.c.tenant_id)
        .order_by(columns.at.desc(), columns.id.desc())
        .limit(1)
        .correlate(tenants)
        .lateral("newest")
    )
    return await keyset_page(
        session,
        select(tenants.c.tenant_id, tenants.c.key, tenants.c.name, newest)
        .select_from(tenants.outerjoin(newest, true()))
        .where(tenants.c.tenant_id != VENDOR_ID, tenants.c.offboarded_at.is_(None)),
        request,
        order=(tenants.c.key,),
        parse=(str,),
        read=_summary,
        key=lambda each: (each.key,),
    )


async def due_since(session: ReadSession, before: datetime, changed_at: datetime | None) -> tuple[UUID, ...]:
    """Whose latest evaluation (or first receipt) is not after ``before``, or whose evaluation did not see what was
    there at ``changed_at``; the vendor first. For the staff scope.
    """
    rows = await (await session.driver()).fetch(_DUE, before, VENDOR_ID, changed_at)
    return tuple(row["tenant_id"] for row in rows)


def _summary(row: Row[Any]) -> Summary:
    return Summary(
        tenant_id=row.tenant_id,
        key=row.key,
        name=row.name,
        at=row.at,
        satisfied=row.satisfied or 0,
        not_satisfied=row.not_satisfied or 0,
        not_evaluated=row.not_evaluated or 0,
    )


def _evaluation(row: Row[Any]) -> Evaluation:
    return evaluation_of(row.id, row.tenant_id, row.at, bytes(row.document), row.sha256, row.receipt_id)
