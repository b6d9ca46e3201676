"""What was reported behind a link: the event itself, or of an adapter every observation in the hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Row, cast, func, select

from trust_portal.cost.explanation.evidence import AdapterBehaviour, EventReference, Link, LinkKind
from trust_portal.errors import NotFound
from trust_portal.facts import events
from trust_portal.facts.tables import facts
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession

#: The most troubled observations of an adapter: enough to see what its sums are made of.
MOST_REPORTED: Final = 60
_TYPES: Final = {
    LinkKind.DEPLOY: events.CHANGE_DEPLOYED,
    LinkKind.FLAG: events.CHANGE_FLAG,
    LinkKind.OPERATION: events.OPERATION_COMPLETED,
    LinkKind.ADAPTER: events.ADAPTER_OBSERVED,
}


@dataclass(frozen=True, slots=True)
class FindReported:
    """Query: what is behind the link of an anomaly that refers to this event."""

    tenant_id: UUID
    anomaly_id: UUID
    source: str
    event_id: str


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """As it was delivered, but for whom else it reached: of other tenants only their number is told."""

    time: datetime
    source: str
    event_id: str
    fields: Mapping[str, Any]
    others: int | None


@dataclass(frozen=True, slots=True)
class Reported:
    """``events``: the one that the link names; of an adapter the most troubled of ``total``.

    ``adapter``: its sums over the anomaly's hours, and over as long before.
    """

    link: Link
    events: tuple[ReportedEvent, ...]
    total: int
    adapter: AdapterBehaviour | None


def home_of(link: Link, tenant_id: UUID) -> TenantScope:
    """Whose fact it is: changes are the vendor's."""
    return TenantScope(VENDOR_ID if link.kind in {LinkKind.DEPLOY, LinkKind.FLAG} else tenant_id)


async def read_event(session: ReadSession, owner: UUID, link: Link) -> tuple[ReportedEvent, ...]:
    """The event that a deploy, flag or operation was reported by. ``NotFound`` where it is gone."""
    reference: EventReference = link.reference
    found = await session.execute(
        select(facts).where(
            facts.c.tenant_id == owner,
            facts.c.type == _TYPES[link.kind],
            facts.c.source == reference.source,
            facts.c.event_id == reference.event_id,
        )
    )
    row = found.first()
    if row is None:
        raise NotFound("event")
    return (_event(row),)


async def read_observations(
    session: ReadSession, owner: UUID, adapter: str, start: datetime, end: datetime
) -> tuple[tuple[ReportedEvent, ...], int]:
    """The observations of an adapter in ``start`` <= time < ``end``, the most troubled first, and how many."""
    wanted = (
        facts.c.tenant_id == owner,
        facts.c.type == events.ADAPTER_OBSERVED,
        facts.c.subject == adapter,
        facts.c.time >= start,
        facts.c.time < end,
    )
    trouble = cast(facts.c.body["retries"].astext, BigInteger) + cast(
        facts.c.body["errors"].astext, BigInteger
    )
    total = (await session.execute(select(func.count()).select_from(facts).where(*wanted))).scalar_one()
    rows = await session.execute(
        select(facts).where(*wanted).order_by(trouble.desc(), facts.c.event_key).limit(MOST_REPORTED)
    )
    return tuple(_event(row) for row in rows), total


def _event(row: Row[Any]) -> ReportedEvent:
    return ReportedEvent(
        row.time,
        row.source,
        row.event_id,
        {name: value for name, value in row.body.items() if name not in {"tenant", "tenants"}},
        None if row.tenants is None else len(row.tenants) - 1,
    )
