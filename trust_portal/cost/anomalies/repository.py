"""Anomalies in and out of their table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, insert, or_, select, update

from trust_portal.cost.anomalies.model import (
    AnomalyFilter,
    AnomalyState,
    CostAnomaly,
    Feedback,
    Figures,
    HourPoint,
    Lane,
    Verdict,
)
from trust_portal.cost.anomalies.tables import anomalies, anomaly_feedback, cost_expectations
from trust_portal.cost.detection.model import Direction, Reason, Severity
from trust_portal.cost.metering.model import Series
from trust_portal.cost.metering.tables import usage_hours
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class AnomalyCounts:
    """How many anomalies a filter finds, and of those how many in each state, severity and subsystem."""

    total: int
    by_state: Mapping[str, int]
    by_severity: Mapping[str, int]
    by_subsystem: Mapping[str, int]


async def touching(
    session: WriteSession, tenant_id: UUID, lane: Lane, start: datetime
) -> tuple[CostAnomaly, ...]:
    """Anomalies that are open or reach beyond ``start``, oldest first, held until the commit."""
    rows = await session.execute(
        select(anomalies)
        .where(
            anomalies.c.tenant_id == tenant_id,
            anomalies.c.lane == lane.value,
            or_(anomalies.c.state == AnomalyState.OPEN.value, anomalies.c.last_at > start),
        )
        .order_by(anomalies.c.started_at, anomalies.c.id)
        .with_for_update()
    )
    return tuple(_anomaly(row) for row in rows)


async def figures(
    session: ReadSession, tenant_id: UUID, series: Series, first: datetime, last: datetime
) -> Figures:
    """What the hours ``first`` through ``last`` of a series came to, and what was expected of them."""
    hours, expected = usage_hours.c, cost_expectations.c
    actual = select(func.coalesce(func.sum(hours.cost), 0)).where(
        hours.tenant_id == tenant_id,
        hours.subsystem == series.subsystem,
        hours.currency == series.currency,
        hours.hour.between(first, last),
    )
    due = select(func.coalesce(func.sum(expected.expected), 0)).where(
        expected.tenant_id == tenant_id,
        expected.subsystem == series.subsystem,
        expected.currency == series.currency,
        expected.hour.between(first, last),
    )
    found = await session.execute(actual)
    return Figures(
        expected=Decimal((await session.execute(due)).scalar_one()), actual=Decimal(found.scalar_one())
    )


async def add_anomaly(session: WriteSession, anomaly: CostAnomaly) -> None:
    await session.execute(
        insert(anomalies).values(tenant_id=anomaly.tenant_id, id=anomaly.id, **_row(anomaly))
    )


async def change_anomaly(session: WriteSession, anomaly: CostAnomaly) -> None:
    """Write an anomaly as it now stands."""
    await session.execute(
        update(anomalies)
        .where(anomalies.c.tenant_id == anomaly.tenant_id, anomalies.c.id == anomaly.id)
        .values(**_row(anomaly))
    )


async def get_anomaly(
    session: ReadSession, tenant_id: UUID, anomaly_id: UUID, *, lock: bool = False
) -> CostAnomaly:
    """``NotFound`` where there is none."""
    query = select(anomalies).where(anomalies.c.tenant_id == tenant_id, anomalies.c.id == anomaly_id)
    row = (await session.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound("anomaly")
    return _anomaly(row)


async def anomalies_page(
    session: ReadSession, wanted: AnomalyFilter, request: PageRequest
) -> Page[CostAnomaly]:
    """Newest first. Over all tenants only in the staff scope."""
    return await keyset_page(
        session,
        select(anomalies).where(*_conditions(wanted)),
        request,
        order=(anomalies.c.started_at, anomalies.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_anomaly,
        key=lambda each: (rfc3339(each.started_at), str(each.id)),
        descending=True,
    )


async def anomalies_overlapping(
    session: ReadSession, tenant_ids: Collection[UUID], start: datetime, end: datetime
) -> tuple[CostAnomaly, ...]:
    """Live ones of which an hour lies in ``start`` <= time < ``end``, oldest first.

    Over more than one tenant only in the staff scope.
    """
    column = anomalies.c
    rows = await session.execute(
        select(anomalies)
        .where(
            column.tenant_id.in_(tenant_ids),
            column.lane == Lane.LIVE.value,
            column.started_at < end,
            column.last_at > start - timedelta(hours=1),
        )
        .order_by(column.started_at, column.id)
    )
    return tuple(_anomaly(row) for row in rows)


async def count_anomalies(session: ReadSession, wanted: AnomalyFilter) -> AnomalyCounts:
    columns = (anomalies.c.state, anomalies.c.severity, anomalies.c.subsystem)
    query: Select[Any] = (
        select(*columns, func.count().label("found")).where(*_conditions(wanted)).group_by(*columns)
    )
    sums: tuple[dict[str, int], dict[str, int], dict[str, int]] = ({}, {}, {})
    total = 0
    for row in await session.execute(query):
        total += row.found
        for counted, name in zip(sums, (row.state, row.severity, row.subsystem), strict=True):
            counted[name] = counted.get(name, 0) + row.found
    return AnomalyCounts(total, *sums)


async def timeline(
    session: ReadSession, tenant_id: UUID, series: Series, start: datetime, end: datetime
) -> tuple[HourPoint, ...]:
    """Every hour of ``start`` <= hour < ``end`` with usage or an expectation, in order."""
    points: dict[datetime, list[Decimal | None]] = {}
    for at, (table, column) in enumerate(((usage_hours, "cost"), (cost_expectations, "expected"))):
        rows = await session.execute(
            select(table.c.hour, table.c[column].label("amount")).where(
                table.c.tenant_id == tenant_id,
                table.c.subsystem == series.subsystem,
                table.c.currency == series.currency,
                table.c.hour >= start,
                table.c.hour < end,
            )
        )
        for row in rows:
            points.setdefault(row.hour, [None, None])[at] = row.amount
    return tuple(HourPoint(hour, *points[hour]) for hour in sorted(points))


async def add_feedback(session: WriteSession, tenant_id: UUID, feedback: Feedback, actor: Actor) -> None:
    await session.execute(
        insert(anomaly_feedback).values(
            tenant_id=tenant_id,
            id=feedback.id,
            anomaly_id=feedback.anomaly_id,
            verdict=feedback.verdict.value,
            note=feedback.note,
            given_at=feedback.given_at,
            given_by_id=actor.id,
            given_by_name=feedback.given_by,
            receipt_id=feedback.receipt_id,
        )
    )
    await session.execute(
        update(anomalies)
        .where(anomalies.c.tenant_id == tenant_id, anomalies.c.id == feedback.anomaly_id)
        .values(verdict=feedback.verdict.value)
    )


async def feedback_of(session: ReadSession, tenant_id: UUID, anomaly_id: UUID) -> tuple[Feedback, ...]:
    """All feedback on an anomaly, newest first; the newest counts."""
    rows = await session.execute(
        select(anomaly_feedback)
        .where(anomaly_feedback.c.tenant_id == tenant_id, anomaly_feedback.c.anomaly_id == anomaly_id)
        .order_by(anomaly_feedback.c.given_at.desc(), anomaly_feedback.c.id.desc())
    )
    return tuple(
        Feedback(
            row.id, row.anomaly_id, Verdict(row.verdict), row.note, row.given_at, row.given_by_name,
            row.receipt_id,
        )
        for row in rows
    )  # fmt: skip


def _conditions(wanted: AnomalyFilter) -> Sequence[ColumnElement[bool]]:
    column = anomalies.c
    found: list[ColumnElement[bool]] = [column.lane == wanted.lane.value]
    for name, value in (
        ("tenant_id", wanted.tenant_id),
        ("subsystem", wanted.subsystem),
        ("state", wanted.state),
        ("direction", wanted.direction),
        ("severity", wanted.severity),
        ("verdict", wanted.verdict),
    ):
        if value is not None:
            found.append(column[name] == value)
    if wanted.suppressed is not None:
        found.append(column.suppression_id.is_not(None) == wanted.suppressed)
    if wanted.since is not None:
        found.append(column.started_at >= wanted.since)
    if wanted.until is not None:
        found.append(column.started_at < wanted.until)
    return found


def _row(anomaly: CostAnomaly) -> dict[str, Any]:
    return {
        "lane": anomaly.lane.value,
        "subsystem": anomaly.series.subsystem,
        "currency": anomaly.series.currency,
        "direction": anomaly.direction.value,
        "kind": anomaly.kind.value,
        "state": anomaly.state.value,
        "severity": anomaly.severity.value,
        "score": anomaly.score,
        "confidence": anomaly.confidence,
        "started_at": anomaly.started_at,
        "peak_at": anomaly.peak_at,
        "last_at": anomaly.last_at,
        "detected_at": anomaly.detected_at,
        "expected": anomaly.figures.expected,
        "actual": anomaly.figures.actual,
        "excess": anomaly.figures.excess,
        "unexplained": anomaly.unexplained,
        "detector": anomaly.detector,
        "detector_version": anomaly.detector_version,
        "evidence": anomaly.evidence,
        "suppression_id": anomaly.suppression_id,
        "verdict": anomaly.verdict,
        "revision": anomaly.revision,
        "opened_receipt_id": anomaly.opened_receipt_id,
        "closed_receipt_id": anomaly.closed_receipt_id,
        "explained_receipt_id": anomaly.explained_receipt_id,
        "opened_at": anomaly.opened_at,
        "explained_at": anomaly.explained_at,
        "first_explained_at": anomaly.first_explained_at,
        "closed_at": anomaly.closed_at,
        "changed_at": anomaly.changed_at,
    }


def _anomaly(row: Row[Any]) -> CostAnomaly:
    return CostAnomaly(
        id=row.id,
        tenant_id=row.tenant_id,
        lane=Lane(row.lane),
        series=Series(row.subsystem, row.currency),
        direction=Direction(row.direction),
        kind=Reason(row.kind),
        state=AnomalyState(row.state),
        severity=Severity(row.severity),
        score=row.score,
        confidence=row.confidence,
        started_at=row.started_at,
        peak_at=row.peak_at,
        last_at=row.last_at,
        detected_at=row.detected_at,
        figures=Figures(row.expected, row.actual),
        unexplained=row.unexplained,
        detector=row.detector,
        detector_version=row.detector_version,
        evidence=row.evidence,
        suppression_id=row.suppression_id,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        revision=row.revision,
        opened_receipt_id=row.opened_receipt_id,
        closed_receipt_id=row.closed_receipt_id,
        explained_receipt_id=row.explained_receipt_id,
        opened_at=row.opened_at,
        explained_at=row.explained_at,
        first_explained_at=row.first_explained_at,
        closed_at=row.closed_at,
        changed_at=row.changed_at,
    )
