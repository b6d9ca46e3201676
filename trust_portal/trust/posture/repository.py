"""Findings in and out of their table; which customers are to be looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from trust_portal.access.tables import tenants
from trust_portal.access.tenants.model import Tenant
from trust_portal.evidence.sealing.repository import current_key
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.posture.model import Check, Finding, Outcome, PostureCheck, Today
from trust_portal.trust.posture.residency import Database
from trust_portal.trust.posture.tables import posture_checks

_ORDER = tuple(Check)


async def add_checks(session: WriteSession, checks: Sequence[PostureCheck], actor: Actor) -> None:
    await session.execute(
        insert(posture_checks).values(
            [
                {
                    "tenant_id": each.tenant_id,
                    "id": each.id,
                    "round_id": each.round_id,
                    "check": each.finding.check.value,
                    "outcome": each.finding.outcome.value,
                    "found": each.finding.found,
                    "evidence": dict(each.finding.evidence),
                    "checked_at": each.checked_at,
                    "checked_by_id": actor.id,
                    "checked_by_name": each.checked_by,
                    "receipt_id": each.receipt_id,
                }
                for each in checks
            ]
        )
    )


async def latest_checks(session: ReadSession, tenant_id: UUID) -> tuple[PostureCheck, ...]:
    """The newest of each check that was ever made, in the order of ``Check``."""
    columns = posture_checks.c
    rows = await session.execute(
        select(posture_checks)
        .ext(distinct_on(columns.check))
        .where(columns.tenant_id == tenant_id)
        .order_by(columns.check, columns.checked_at.desc(), columns.id.desc())
    )
    return tuple(sorted((_check(row) for row in rows), key=lambda each: _ORDER.index(each.finding.check)))


async def checks_of_receipts(
    session: ReadSession, tenant_id: UUID, receipts: Collection[UUID]
) -> tuple[PostureCheck, ...]:
    """What the looks with these receipts found."""
    columns = posture_checks.c
    query = select(posture_checks).where(columns.tenant_id == tenant_id, columns.receipt_id.in_(receipts))
    return tuple(_check(row) for row in await session.execute(query))


async def today_of(session: ReadSession, tenant: Tenant) -> Today:
    key = await current_key(session, tenant.id)
    return Today(None if key is None else key.ordinal, tenant.residency)


async def stated_for(session: ReadSession, statement: Mapping[str, Json]) -> Database | None:
    """The database that a statement of places was first seen with, in any customer's checks; None where it is new.

    Each check carries it on, so that any of them tells. For the staff scope: a statement is the installation's.
    """
    columns = posture_checks.c
    rows = await session.execute(
        select(columns.evidence)
        .where(
            columns.check == Check.RESIDENCY.value,
            columns.evidence["stated"] == type_coerce(statement, JSONB),
            columns.evidence.has_key("stated_for"),
        )
        .limit(1)
    )
    found = rows.scalar()
    return None if found is None else Database.from_json(found["stated_for"])


async def checks_page(session: ReadSession, tenant_id: UUID, request: PageRequest) -> Page[PostureCheck]:
    """Every one of a tenant, newest first."""
    return await keyset_page(
        session,
        select(posture_checks).where(posture_checks.c.tenant_id == tenant_id),
        request,
        order=(posture_checks.c.checked_at, posture_checks.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_check,
        key=lambda each: (rfc3339(each.checked_at), str(each.id)),
        descending=True,
    )


async def due_tenants(session: ReadSession, since: datetime) -> tuple[UUID, ...]:
    """Customers in service who were not looked at since then. For the staff scope."""
    looked_at = (
        select(posture_checks.c.id)
        .where(posture_checks.c.tenant_id == tenants.c.tenant_id, posture_checks.c.checked_at > since)
        .exists()
    )
    rows = await session.execute(
        select(tenants.c.tenant_id)
        .where(tenants.c.tenant_id != VENDOR_ID, tenants.c.offboarded_at.is_(None), ~looked_at)
        .order_by(tenants.c.tenant_id)
    )
    return tuple(row.tenant_id for row in rows)


def _check(row: Row[Any]) -> PostureCheck:
    return PostureCheck(
        id=row.id,
        tenant_id=row.tenant_id,
        round_id=row.round_id,
        finding=Finding(Check(row.check), Outcome(row.outcome), row.found, row.evidence),
        checked_at=row.checked_at,
        checked_by=row.checked_by_name,
        receipt_id=row.receipt_id,
    )
