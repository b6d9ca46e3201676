"""Claims in and out of their table."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.credits.model import ClaimCode
from trust_portal.reliability.credits.record import StoredClaim
from trust_portal.reliability.credits.tables import credit_claims
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_claim(session: WriteSession, claim: StoredClaim) -> None:
    await session.execute(
        insert(credit_claims).values(
            tenant_id=claim.tenant_id,
            id=claim.id,
            period=claim.period,
            revision=claim.revision,
            accepted=claim.accepted,
            code=claim.code.value,
            message=claim.message,
            reason=claim.reason,
            deadline=claim.deadline,
            claimed_at=claim.claimed_at,
            claimed_by_id=claim.claimed_by_id,
            claimed_by_name=claim.claimed_by,
            receipt_id=claim.receipt_id,
        )
    )


async def claims_of_period(session: ReadSession, tenant_id: UUID, period: str) -> tuple[StoredClaim, ...]:
    """Every claim for a period, oldest first."""
    rows = await session.execute(
        select(credit_claims)
        .where(credit_claims.c.tenant_id == tenant_id, credit_claims.c.period == period)
        .order_by(credit_claims.c.claimed_at, credit_claims.c.id)
    )
    return tuple(_claim(row) for row in rows)


async def claims_page(session: ReadSession, tenant_id: UUID, request: PageRequest) -> Page[StoredClaim]:
    """A tenant's claims, newest first."""
    return await keyset_page(
        session,
        select(credit_claims).where(credit_claims.c.tenant_id == tenant_id),
        request,
        order=(credit_claims.c.claimed_at, credit_claims.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_claim,
        key=lambda claim: (rfc3339(claim.claimed_at), str(claim.id)),
        descending=True,
    )


def _claim(row: Row[Any]) -> StoredClaim:
    return StoredClaim(
        id=row.id,
        tenant_id=row.tenant_id,
        period=row.period,
        revision=row.revision,
        accepted=row.accepted,
        code=ClaimCode(row.code),
        message=row.message,
        reason=row.reason,
        deadline=row.deadline,
        claimed_at=row.claimed_at,
        claimed_by_id=row.claimed_by_id,
        claimed_by=row.claimed_by_name,
        receipt_id=row.receipt_id,
    )
