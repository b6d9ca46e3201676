"""Roles in force with their reviews, and reviews into their table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert

from trust_portal.kernel.actor import Role
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.compliance.reviews.model import HeldRole, RecordReview
from trust_portal.trust.compliance.tables import access_reviews

_HELD: Final = """
SELECT g.id, g.person_id, p.name, p.email, g.role, g.granted_at, v.at AS reviewed_at, v.by_name
FROM role_grants g
JOIN people p ON p.tenant_id = $1 AND p.id = g.person_id AND p.active
LEFT JOIN LATERAL (
    SELECT a.at, a.by_name FROM access_reviews a
    WHERE a.tenant_id = $1 AND a.grant_id = g.id AND a.act = 'confirm' ORDER BY a.at DESC, a.id DESC LIMIT 1
) v ON true
WHERE g.tenant_id = $1 AND g.revoked_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > $2)
  AND ($3::uuid IS NULL OR g.id = $3)
ORDER BY coalesce(v.at, g.granted_at), p.name, g.role
"""
_HOLD: Final = "SELECT id FROM role_grants WHERE tenant_id = $1 AND id = $2 FOR UPDATE"


async def held_roles(
    session: ReadSession, tenant_id: UUID, at: datetime, within: timedelta
) -> tuple[HeldRole, ...]:
    """Roles of people who are not suspended; those whose review is due first, first."""
    rows = await (await session.driver()).fetch(_HELD, tenant_id, at, None)
    return tuple(_held(row, tenant_id, within) for row in rows)


async def hold_role(
    session: WriteSession, tenant_id: UUID, grant_id: UUID, within: timedelta
) -> HeldRole | None:
    """The role, held until the commit so that of two reviews at once one is first; ``None``: not in force."""
    driver = await session.driver()
    await driver.fetch(_HOLD, tenant_id, grant_id)
    row = await driver.fetchrow(_HELD, tenant_id, session.clock.now(), grant_id)
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


def _held(row: Any, tenant_id: UUID, within: timedelta) -> HeldRole:
    return HeldRole(
        grant_id=row["id"],
        tenant_id=tenant_id,
        person_id=row["person_id"],
        person_name=row["name"],
        person_email=row["email"],
        role=Role(row["role"]),
        granted_at=row["granted_at"],
        reviewed_at=row["reviewed_at"],
        reviewed_by=row["by_name"],
        due_at=max(row["granted_at"], row["reviewed_at"] or row["granted_at"]) + within,
    )
