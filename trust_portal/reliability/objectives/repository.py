"""Objectives as rows: one per revision, appended and never changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Integer, Row, Text, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.objectives.model import Definition, Objective, ObjectiveKind, ObjectiveSource
from trust_portal.storage.metadata import instant, tenant_table, uuid_column
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

objectives = tenant_table(
    "objectives",
    Column("key", Text, primary_key=True, comment="as events and contracts name it"),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("threshold", Text, comment="seconds, inclusive upper bound; latency only"),
    Column("target", Text, comment="percent"),
    Column("source", Text, nullable=False),
    instant("recorded_at", nullable=False),
    uuid_column("receipt_id", nullable=False),
    CheckConstraint("kind IN ('availability', 'latency')", name="kind_is_known"),
    CheckConstraint("(kind = 'latency') = (threshold IS NOT NULL)", name="latency_has_a_threshold"),
)


async def current_objectives(session: ReadSession, tenant_id: UUID) -> dict[str, Objective]:
    """The newest revision of each of the tenant's objectives, by key in alphabetical order."""
    rows = await session.execute(
        select(objectives)
        .where(objectives.c.tenant_id == tenant_id)
        .order_by(objectives.c.key, objectives.c.revision)
    )
    return {row.key: _objective(row) for row in rows}  # of a key's revisions the last one stays


async def latency_bounds(session: ReadSession, tenant_ids: Collection[UUID]) -> dict[tuple[UUID, str], str]:
    """By tenant and key, within how many seconds a call of a latency objective is good; what the vendor defines for
    everybody holds for each tenant that has no definition of its own. Staff scope.
    """
    rows = await session.execute(
        select(objectives.c.tenant_id, objectives.c.key, objectives.c.threshold)
        .where(objectives.c.tenant_id.in_({VENDOR_ID, *tenant_ids}))
        .order_by(objectives.c.revision)
    )
    newest = {(row.tenant_id, row.key): row.threshold for row in rows}
    everybodys = {key: bound for (tenant_id, key), bound in newest.items() if tenant_id == VENDOR_ID}
    found = {(each, key): bound for each in tenant_ids for key, bound in everybodys.items()} | newest
    return {of: bound for of, bound in found.items() if bound is not None and of[0] in tenant_ids}


async def defined(session: ReadSession, named: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Those of ``named`` (tenant, key) that have a definition, the vendor's among the tenants. Staff scope."""
    rows = await session.execute(
        select(objectives.c.tenant_id, objectives.c.key)
        .distinct()
        .where(
            objectives.c.tenant_id.in_({tenant_id for tenant_id, _ in named}),
            objectives.c.key.in_({key for _, key in named}),
        )
    )
    return {(row.tenant_id, row.key) for row in rows}


async def append_objectives(
    session: WriteSession,
    tenant_id: UUID,
    revisions: Sequence[tuple[Definition, int]],
    *,
    source: ObjectiveSource,
    at: datetime,
    receipt_id: UUID,
) -> None:
    """Add revisions. A primary key that exists means somebody else did so a moment ago."""
    if not revisions:
        return
    await session.execute(
        insert(objectives),
        [
            {
                "tenant_id": tenant_id,
                "key": definition.key,
                "revision": revision,
                "kind": definition.kind.value,
                "title": definition.title,
                "description": definition.description,
                "service": definition.service,
                "threshold": definition.threshold,
                "target": definition.target,
                "source": source.value,
                "recorded_at": at,
                "receipt_id": receipt_id,
            }
            for definition, revision in revisions
        ],
    )


def _objective(row: Row[Any]) -> Objective:
    return Objective(
        tenant_id=row.tenant_id,
        definition=Definition(
            key=row.key,
            kind=ObjectiveKind(row.kind),
            title=row.title,
            description=row.description,
            service=row.service,
            threshold=row.threshold,
            target=row.target,
        ),
        revision=row.revision,
        source=ObjectiveSource(row.source),
        recorded_at=row.recorded_at,
    )
