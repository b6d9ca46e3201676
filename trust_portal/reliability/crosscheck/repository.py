"""Second sources in and out of their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, null, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.errors import Conflict
from trust_portal.kernel.actor import Actor
from trust_portal.reliability.crosscheck.model import SourceDefinition, SourceRevision
from trust_portal.reliability.crosscheck.tables import cross_check_sources
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def source_revisions(session: ReadSession, tenant_id: UUID) -> tuple[SourceRevision, ...]:
    """Every revision of a tenant's second sources, oldest first, withdrawals too."""
    rows = await session.execute(
        select(cross_check_sources)
        .where(cross_check_sources.c.tenant_id == tenant_id)
        .order_by(
            cross_check_sources.c.set_at, cross_check_sources.c.objective, cross_check_sources.c.revision
        )
    )
    return tuple(_revision(row) for row in rows)


def newest(revisions: Sequence[SourceRevision]) -> dict[str, SourceRevision]:
    """The latest revision of each objective, by its key in alphabetical order."""
    latest: dict[str, SourceRevision] = {}
    for each in revisions:
        if each.objective not in latest or latest[each.objective].revision < each.revision:
            latest[each.objective] = each
    return dict(sorted(latest.items()))


async def add_source(session: WriteSession, revision: SourceRevision, actor: Actor) -> None:
    """``Conflict`` when somebody set the same revision at the same moment."""
    definition = revision.definition
    added = await session.execute(
        insert(cross_check_sources)
        .values(
            tenant_id=revision.tenant_id,
            objective=revision.objective,
            revision=revision.revision,
            definition=null() if definition is None else definition.as_json(),
            reason=revision.reason,
            set_at=revision.set_at,
            set_by_id=actor.id,
            set_by_name=revision.set_by,
            receipt_id=revision.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(cross_check_sources.c.revision)
    )
    if added.first() is None:
        raise Conflict("this cross-check was changed meanwhile", code="STALE")


def _revision(row: Row[Any]) -> SourceRevision:
    return SourceRevision(
        tenant_id=row.tenant_id,
        objective=row.objective,
        revision=row.revision,
        definition=None if row.definition is None else SourceDefinition.from_json(row.definition),
        reason=row.reason,
        set_at=row.set_at,
        set_by=row.set_by_name,
        receipt_id=row.receipt_id,
    )
