"""Rows of superseded sets: that one decided again, that one is to decide no more. At the vendor."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.approvals.model import Step
from trust_portal.access.policy_change.tables import (
    policy_retirement_requests,
    policy_retirements,
    policy_returns,
)
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_return(session: WriteSession, version: str, in_force: str, receipt_id: UUID) -> bool:
    """False if it is on record for today."""
    now = session.clock.now()
    added = await session.execute(
        upsert(policy_returns)
        .values(
            tenant_id=VENDOR_ID,
            version=version,
            in_force=in_force,
            day=now.date(),
            at=now,
            receipt_id=receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(policy_returns.c.version)
    )
    return added.first() is not None


async def retired_versions(session: ReadSession) -> frozenset[str]:
    query = select(policy_retirements.c.version).where(policy_retirements.c.tenant_id == VENDOR_ID)
    return frozenset((await session.execute(query)).scalars())


async def add_retirement_request(session: WriteSession, approval_id: UUID, version: str) -> None:
    await session.execute(
        insert(policy_retirement_requests).values(
            tenant_id=VENDOR_ID, approval_id=approval_id, version=version
        )
    )


async def find_retirement_request(session: ReadSession, approval_id: UUID) -> str | None:
    """The version that was asked to be retired."""
    query = select(policy_retirement_requests.c.version).where(
        policy_retirement_requests.c.tenant_id == VENDOR_ID,
        policy_retirement_requests.c.approval_id == approval_id,
    )
    return (await session.execute(query)).scalar_one_or_none()


async def add_retirement(session: WriteSession, version: str, approval_id: UUID, use: Step) -> None:
    """``use`` is the step that spent the approval."""
    await session.execute(
        insert(policy_retirements).values(
            tenant_id=VENDOR_ID,
            version=version,
            approval_id=approval_id,
            use_ordinal=use.ordinal,
            use_act=use.act.value,
            used_at=use.at,
        )
    )
