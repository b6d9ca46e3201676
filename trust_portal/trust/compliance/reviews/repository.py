"""Roles in force with their reviews, and reviews into their table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from trust_portal.access.people.repository import role_in_force
from trust_portal.access.tables import people, role_grants
from trust_portal.kernel.actor import Role
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.reviews.model import HeldRole, RecordReview, ReviewAct, review_due
from trust_portal.trust.compliance.tables import access_reviews


def roles_in_force(tenant_id: UUID, at: datetime) -> Select[Any]:
    """Of people who are not suspended, each with its newest confirmation: ``reviewed_at``, ``by_name``, ``receipt_id``."""
    confirmed = access_reviews.c
    review = (
        select(confirmed.grant_id, confirmed.at, confirmed.by_name, confirmed.receipt_id)
        .where(confirmed.tenant_id == tenant_id, confirmed.act == ReviewAct.CONFIRM.value)
        .ext(distinct_on(confirmed.grant_id))
        .order_by(confirmed.grant_id, confirmed.at.desc(), confirmed.id.desc())
        .subquery("review")
    )
    return (
        select(
            role_grants.c.id,
            role_grants.c.person_id,
            people.c.name,
            people.c.email,
            role_grants.c.role,
            role_grants.c.granted_at,
            review.c.at.label("reviewed_at"),
            review.c.by_name,
            review.c.receipt_id,
        )
        .join(
            people,
            and_(people.c.tenant_id == role_grants.c.tenant_id, people.c.id == role_grants.c.person_id),
        )
        .outerjoin(review, review.c.grant_id == role_grants.c.id)
        .where(role_grants.c.tenant_id == tenant_id, people.c.active, role_in_force(at))
    )


async def held_roles(
    session: ReadSession, tenant_id: UUID, at: datetime, within: timedelta
) -> tuple[HeldRole, ...]:
    """Every role in force; those whose review is due first, first."""
    query = roles_in_force(tenant_id, at)
    of = query.selected_columns
    rows = await session.execute(
        query.order_by(func.coalesce(of.reviewed_at, of.granted_at), of.name, of.role)
    )
    return tuple(_held(row, tenant_id, within) for row in rows)


async def hold_role(
    session: WriteSession, tenant_id: UUID, grant_id: UUID, within: timedelta
) -> HeldRole | None:
    """The role, held until the commit so that of two reviews at once one is first; ``None``: not in force."""
    grant = (role_grants.c.tenant_id == tenant_id, role_grants.c.id == grant_id)
    await session.execute(select(role_grants.c.id).where(*grant).with_for_update())
    held = await session.execute(roles_in_force(tenant_id, session.clock.now()).where(*grant))
    row = held.first()
    return None if row is None else _held(row, tenant_id, within)


async def add_review(
    session: WriteSession,
    review_id: UUID,
    command: RecordReview,
    held: HeldRole,
    *,
    by_id: UUID,
    by_name: str,
    receipt_id: UUID,
) -> None:
    await session.execute(
        insert(access_reviews).values(
            tenant_id=held.tenant_id,
            id=review_id,
            grant_id=held.grant_id,
            person_id=held.person_id,
            role=held.role.value,
            act=command.act.value,
            reason=command.reason,
            at=session.clock.now(),
            by_id=by_id,
            by_name=by_name,
            receipt_id=receipt_id,
        )
    )


def _held(row: Row[Any], tenant_id: UUID, within: timedelta) -> HeldRole:
    return HeldRole(
        grant_id=row.id,
        tenant_id=tenant_id,
        person_id=row.person_id,
        person_name=row.name,
        person_email=row.email,
        role=Role(row.role),
        granted_at=row.granted_at,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.by_name,
        due_at=review_due(row.granted_at, row.reviewed_at, within),
    )
