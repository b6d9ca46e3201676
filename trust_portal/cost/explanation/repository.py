"""What was reported around an anomaly: changes, heavy operations, adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Numeric, Row, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from trust_portal.cost.explanation.evidence import (
    AdapterBehaviour,
    Deploy,
    EventReference,
    FlagStep,
    HeavyOperation,
)
from trust_portal.facts import events
from trust_portal.facts.tables import facts
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession

#: More heavy operations than this in one episode are a workload, not a cause; the largest are kept.
_MOST_OPERATIONS = 200
#: How far back "usual" looks.
_MEMORY = timedelta(days=28)


async def read_changes(
    session: ReadSession, tenant_id: UUID, tenant: str, start: datetime, end: datetime
) -> list[Deploy | FlagStep]:
    """Deploys and flag steps that reached the tenant. The vendor's facts: read in its scope.

    Which other tenants a change reached is the vendor's knowledge: of them only the number is kept.
    """
    query = (
        select(facts)
        .where(
            facts.c.tenant_id == VENDOR_ID,
            facts.c.type.in_((events.CHANGE_DEPLOYED, events.CHANGE_FLAG)),
            facts.c.time >= start,
            facts.c.time < end,
            or_(facts.c.tenants.is_(None), facts.c.tenants.contains([tenant_id])),
        )
        .order_by(facts.c.time, facts.c.event_key)
    )
    return [_change(row, tenant) for row in await session.execute(query)]


async def read_heavy_operations(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> list[HeavyOperation]:
    """Operations that ended in ``start`` .. ``end``, each with the usual quantity of its kind before."""
    of_type = (facts.c.tenant_id == tenant_id, facts.c.type == events.OPERATION_COMPLETED)
    quantity = cast(facts.c.body["quantity"].astext, Numeric)
    operation, unit = facts.c.body["operation"].astext, facts.c.body["unit"].astext
    usual_query = (
        select(
            operation.label("operation"),
            unit.label("unit"),
            func.percentile_disc(0.5).within_group(quantity).label("usual"),
        )
        .where(*of_type, facts.c.time >= start - _MEMORY, facts.c.time < start)
        .group_by(operation, unit)
    )
    usual = {(row.operation, row.unit): row.usual for row in await session.execute(usual_query)}
    query = (
        select(facts)
        .where(*of_type, facts.c.time >= start, facts.c.time < end)
        .order_by(quantity.desc(), facts.c.event_key)
        .limit(_MOST_OPERATIONS)
    )
    return [_operation(row, usual) for row in await session.execute(query)]


async def read_adapters(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> list[AdapterBehaviour]:
    """Each adapter in ``start`` .. ``end``, beside as long a time before; its worst minute stands for it."""
    before = start - (end - start)
    during = facts.c.time >= start
    trouble = _count("retries") + _count("errors")

    def total(name: str, when: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(_count(name)).filter(when), 0)

    def worst(column: ColumnElement[Any]) -> ColumnElement[Any]:
        ordered = aggregate_order_by(column, trouble.desc(), facts.c.event_key)
        return func.array_agg(ordered).filter(during)

    names = ("calls", "errors", "retries", "bytes")
    query = (
        select(
            facts.c.subject,
            worst(facts.c.time).label("times"),
            worst(facts.c.source).label("sources"),
            worst(facts.c.event_id).label("event_ids"),
            *(total(name, during).label(name) for name in names),
            *(total(name, ~during).label(f"{name}_before") for name in names),
        )
        .where(
            facts.c.tenant_id == tenant_id,
            facts.c.type == events.ADAPTER_OBSERVED,
            facts.c.time >= before,
            facts.c.time < end,
        )
        .group_by(facts.c.subject)
        .order_by(facts.c.subject)
    )
    return [
        AdapterBehaviour(
            adapter=row.subject,
            at=row.times[0],
            **{
                f"{field}{suffix}": int(getattr(row, f"{name}{suffix}"))
                for name, field in zip(names, ("calls", "errors", "retries", "volume"), strict=True)
                for suffix in ("", "_before")
            },
            reference=EventReference(row.sources[0], row.event_ids[0]),
        )
        for row in await session.execute(query)
        if row.times
    ]


def _count(name: str) -> ColumnElement[int]:
    return cast(facts.c.body[name].astext, BigInteger)


def _change(row: Row[Any], tenant: str) -> Deploy | FlagStep:
    body: Mapping[str, Any] = row.body
    at, reference = _at(row), EventReference(row.source, row.event_id)
    reached = None if row.tenants is None else _anonymous(tenant, row.tenants)
    if row.type == events.CHANGE_DEPLOYED:
        return Deploy(body["service"], body["version"], body.get("previous"), at, reached, reference)
    previous = body.get("previous")
    share = previous.get("percentage") if isinstance(previous, dict) else None
    return FlagStep(
        body["flag"],
        str(body["variant"]),
        float(body["percentage"]),
        float(share) if isinstance(share, int | float) else None,
        at,
        reached,
        reference,
    )


def _anonymous(tenant: str, reached: Sequence[UUID]) -> frozenset[str]:
    return frozenset({tenant, *(f"other {number}" for number in range(1, len(reached)))})


def _operation(row: Row[Any], usual: Mapping[tuple[str, str], Any]) -> HeavyOperation:
    body = row.body
    typical = usual.get((body["operation"], body["unit"]))
    return HeavyOperation(
        body["operation"],
        body["resource"],
        body["subsystem"],
        _at(row),
        timedelta(seconds=float(body["duration_s"])),
        Decimal(str(body["quantity"])),
        body["unit"],
        None if typical is None else Decimal(str(typical)),
        body["initiated_by"],
        EventReference(row.source, row.event_id, body.get("receipt")),
    )


def _at(row: Row[Any]) -> datetime:
    at: datetime = row.time
    return at.astimezone(UTC)
