"""Calculations of credits in and out of their table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.errors import NotFound
from trust_portal.kernel.money import Money
from trust_portal.reliability.credits.model import CreditKind, Outcome
from trust_portal.reliability.credits.record import StoredCalculation
from trust_portal.reliability.credits.tables import credit_calculations
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_COLUMNS = [column for column in credit_calculations.c if column.name != "document"]


async def add_calculation(session: WriteSession, calculation: StoredCalculation, document: bytes) -> None:
    await session.execute(
        insert(credit_calculations).values(
            tenant_id=calculation.tenant_id,
            id=calculation.id,
            period=calculation.period,
            revision=calculation.revision,
            report_id=calculation.report_id,
            outcome=calculation.outcome.value,
            kind=calculation.kind.value,
            amount_minor=calculation.amount.minor,
            total_minor=calculation.total.minor,
            currency=calculation.amount.currency,
            document=document,
            sha256=calculation.sha256,
            receipt_id=calculation.receipt_id,
            calculated_at=calculation.calculated_at,
        )
    )


async def find_calculation(
    session: ReadSession, tenant_id: UUID, period: str, revision: int, sha256: str
) -> StoredCalculation | None:
    """The same calculation as it was recorded before."""
    row = (
        await session.execute(
            select(*_COLUMNS).where(
                credit_calculations.c.tenant_id == tenant_id,
                credit_calculations.c.period == period,
                credit_calculations.c.revision == revision,
                credit_calculations.c.sha256 == sha256,
            )
        )
    ).first()
    return None if row is None else _calculation(row)


async def calculations_of(
    session: ReadSession, tenant_id: UUID, period: str | None = None
) -> tuple[StoredCalculation, ...]:
    """Every recorded calculation of a tenant, or of one period of it, oldest first."""
    query = select(*_COLUMNS).where(credit_calculations.c.tenant_id == tenant_id)
    if period is not None:
        query = query.where(credit_calculations.c.period == period)
    rows = await session.execute(query.order_by(credit_calculations.c.id))
    return tuple(_calculation(row) for row in rows)


async def find_calculation_document(session: ReadSession, tenant_id: UUID, calculation_id: UUID) -> bytes:
    """The calculation's RFC 8785 bytes."""
    found = (
        await session.execute(
            select(credit_calculations.c.document).where(
                credit_calculations.c.tenant_id == tenant_id, credit_calculations.c.id == calculation_id
            )
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("calculation of a credit")
    return bytes(found)


def _calculation(row: Row[Any]) -> StoredCalculation:
    return StoredCalculation(
        id=row.id,
        tenant_id=row.tenant_id,
        period=row.period,
        revision=row.revision,
        report_id=row.report_id,
        outcome=Outcome(row.outcome),
        kind=CreditKind(row.kind),
        amount=Money(row.amount_minor, row.currency),
        total=Money(row.total_minor, row.currency),
        sha256=row.sha256,
        receipt_id=row.receipt_id,
        calculated_at=row.calculated_at,
    )
