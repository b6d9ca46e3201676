"""What waits for the clocks of its actions to begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.tables import prevention_action_steps, prevention_actions
from trust_portal.learning.incidents.tables import incidents
from trust_portal.learning.postmortems.tables import postmortem_versions
from trust_portal.storage.unit_of_work import ReadSession


@dataclass(frozen=True, slots=True)
class SignedPostmortem:
    """When it was first signed, and its incident resolved."""

    id: UUID
    signed_at: datetime
    resolved_at: datetime


async def clocks_to_begin(session: ReadSession) -> tuple[SignedPostmortem, ...]:
    """Postmortems that are signed, of incidents that are resolved, with an action whose clock stands still."""
    signed = (
        select(
            postmortem_versions.c.postmortem_id.label("id"),
            func.min(postmortem_versions.c.signed_at).label("signed_at"),
        )
        .where(postmortem_versions.c.tenant_id == VENDOR_ID)
        .group_by(postmortem_versions.c.postmortem_id)
        .subquery()
    )
    columns, steps = prevention_actions.c, prevention_action_steps.c
    stepped = select(steps.action_id).where(steps.tenant_id == VENDOR_ID, steps.action_id == columns.id)
    rows = await session.execute(
        select(signed.c.id, signed.c.signed_at, incidents.c.resolved_at)
        .distinct()
        .select_from(prevention_actions)
        .join(signed, signed.c.id == columns.postmortem_id)
        .join(
            incidents, and_(incidents.c.tenant_id == columns.tenant_id, incidents.c.id == columns.incident_id)
        )
        .where(columns.tenant_id == VENDOR_ID, incidents.c.resolved_at.is_not(None), ~stepped.exists())
    )
    return tuple(SignedPostmortem(row.id, row.signed_at, row.resolved_at) for row in rows)
