"""Evaluations in and out of their table."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.errors import NotFound
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.document import evaluation_of
from trust_portal.trust.compliance.model import ControlState, Evaluation, Summary
from trust_portal.trust.compliance.tables import compliance_evaluations

_STANDINGS: Final = """
SELECT t.tenant_id, t.key, t.name, e.at, e.satisfied, e.not_satisfied, e.not_evaluated
FROM tenants t
LEFT JOIN LATERAL (
    SELECT at, satisfied, not_satisfied, not_evaluated FROM compliance_evaluations c
    WHERE c.tenant_id = t.tenant_id ORDER BY c.at DESC, c.id DESC LIMIT 1
) e ON true
WHERE t.tenant_id <> $1 AND t.offboarded_at IS NULL ORDER BY t.key
"""
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


async def standings(session: ReadSession) -> tuple[Summary, ...]:
    """Every customer in service by key, with its latest evaluation. For the staff scope."""
    rows = await (await session.driver()).fetch(_STANDINGS, VENDOR_ID)
    return tuple(
        Summary(
            tenant_id=row["tenant_id"],
            key=row["key"],
            name=row["name"],
            at=row["at"],
            satisfied=row["satisfied"] or 0,
            not_satisfied=row["not_satisfied"] or 0,
            not_evaluated=row["not_evaluated"] or 0,
        )
        for row in rows
    )


async def due_since(session: ReadSession, before: datetime, changed_at: datetime | None) -> tuple[UUID, ...]:
    """Whose latest evaluation (or first receipt) is not after ``before``, or whose evaluation did not see what was
    there at ``changed_at``; the vendor first. For the staff scope.
    """
    rows = await (await session.driver()).fetch(_DUE, before, VENDOR_ID, changed_at)
    return tuple(row["tenant_id"] for row in rows)


def _evaluation(row: Row[Any]) -> Evaluation:
    return evaluation_of(row.id, row.tenant_id, row.at, bytes(row.document), row.sha256, row.receipt_id)
