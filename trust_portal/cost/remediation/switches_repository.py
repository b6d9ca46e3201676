"""Kill switches in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select

from trust_portal.cost.remediation.switches_model import SwitchRevision
from trust_portal.cost.remediation.tables import kill_switches
from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_columns = kill_switches.c


async def switch_revisions(
    session: ReadSession, tenant_ids: Collection[UUID] | None = None
) -> tuple[SwitchRevision, ...]:
    """Every setting, the newest first; of these tenants, or of all in the staff scope."""
    query = select(kill_switches).order_by(_columns.set_at.desc(), _columns.revision.desc())
    if tenant_ids is not None:
        query = query.where(_columns.tenant_id.in_(tenant_ids))
    return tuple(_revision(row) for row in await session.execute(query))


async def next_revision(session: ReadSession, tenant_id: UUID, playbook: str) -> int:
    latest = await session.execute(
        select(func.coalesce(func.max(_columns.revision), 0)).where(
            _columns.tenant_id == tenant_id, _columns.playbook == playbook
        )
    )
    return int(latest.scalar_one()) + 1


async def add_revision(session: WriteSession, revision: SwitchRevision, actor: Actor) -> None:
    """``Conflict`` when somebody set the same switch at the same moment."""
    with duplicates_are(Conflict("this switch was set meanwhile", code="STALE"), "kill_switches"):
        await session.execute(
            insert(kill_switches).values(
                tenant_id=revision.tenant_id,
                playbook=revision.playbook,
                revision=revision.revision,
                stopped=revision.stopped,
                reason=revision.reason,
                set_at=revision.set_at,
                set_by_id=actor.id,
                set_by_name=revision.set_by,
                receipt_id=revision.receipt_id,
            )
        )


def _revision(row: Row[Any]) -> SwitchRevision:
    return SwitchRevision(
        tenant_id=row.tenant_id,
        playbook=row.playbook,
        revision=row.revision,
        stopped=row.stopped,
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by_name,
        receipt_id=row.receipt_id,
    )
