"""Reports, heads and kept inputs in and out of their tables."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, cast, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.dialects.postgresql import insert as insert_or

from trust_portal.errors import NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.crosscheck.comparison import CheckState
from trust_portal.reliability.findings import Finding, Severity, State
from trust_portal.reliability.reports.record import Head, StoredReport, Tally
from trust_portal.reliability.reports.tables import sla_report_heads, sla_report_inputs, sla_reports
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Measurements compress to about a tenth; more effort gains little and costs the report its time.
_COMPRESSION = 1

_COLUMNS = [column for column in sla_reports.c if column.name != "document"]


async def lock_head(session: WriteSession, tenant_id: UUID, period: str, period_start: datetime) -> Head:
    """The period's head, made where there is none, and held until the commit: issues queue up here."""
    await session.execute(
        insert_or(sla_report_heads)
        .values(
            tenant_id=tenant_id,
            period=period,
            period_start=period_start,
            attempts=0,
            changed_at=session.clock.now(),
        )
        .on_conflict_do_nothing()
    )
    row = await session.execute(_head_query(tenant_id, period).with_for_update())
    return _head(row.one())


async def hold_head(session: WriteSession, tenant_id: UUID, period: str) -> Head | None:
    """The period's head, held until the commit so that nothing is issued meanwhile; ``None`` where there is none."""
    row = (await session.execute(_head_query(tenant_id, period).with_for_update())).first()
    return None if row is None else _head(row)


async def find_head(session: ReadSession, tenant_id: UUID, period: str) -> Head | None:
    row = (await session.execute(_head_query(tenant_id, period))).first()
    return None if row is None else _head(row)


async def heads(session: ReadSession, tenant_id: UUID) -> tuple[Head, ...]:
    """Every period of a tenant that has been reported on, newest first."""
    rows = await session.execute(
        select(sla_report_heads)
        .where(sla_report_heads.c.tenant_id == tenant_id)
        .order_by(sla_report_heads.c.period_start.desc(), sla_report_heads.c.period)
    )
    return tuple(_head(row) for row in rows)


async def heads_of(session: ReadSession, tenants: Collection[UUID]) -> tuple[Head, ...]:
    """Every period of several tenants. For the staff scope."""
    query = select(sla_report_heads).where(sla_report_heads.c.tenant_id.in_(tenants))
    return tuple(_head(row) for row in await session.execute(query))


async def heads_of_period(session: ReadSession, period: str) -> tuple[Head, ...]:
    """One period of every tenant. For the staff scope."""
    rows = await session.execute(select(sla_report_heads).where(sla_report_heads.c.period == period))
    return tuple(_head(row) for row in rows)


async def heads_changed_since(session: ReadSession, at: datetime) -> tuple[Head, ...]:
    """Every tenant's periods that were reported on anew, or overtaken, after the moment ``at``. For the staff scope."""
    columns = sla_report_heads.c
    query = select(sla_report_heads).where(or_(columns.changed_at > at, columns.overtaken_at > at))
    return tuple(_head(row) for row in await session.execute(query))


async def add_report(
    session: WriteSession, report: StoredReport, actor: Actor, document: bytes, files: Mapping[str, bytes]
) -> None:
    """Store the report with what it was computed from, and move its period's head."""
    await session.execute(
        insert(sla_reports).values(
            tenant_id=report.tenant_id,
            id=report.id,
            period=report.period,
            attempt=report.attempt,
            revision=report.revision,
            state=report.state.value,
            contract_id=report.contract_id,
            contract_version=report.contract_version,
            period_start=report.period_start,
            period_end=report.period_end,
            document=document,
            sha256=report.sha256,
            inputs_sha256=report.inputs_sha256,
            cross_check=None if report.check is None else report.check.value,
            cross_check_sha256=report.readings_sha256,
            findings=[each.to_json() for each in report.findings],
            supersedes=report.supersedes,
            delta=report.delta,
            reason=report.reason,
            receipt_id=report.receipt_id,
            issued_at=report.issued_at,
            issued_by_id=actor.id,
            issued_by_name=report.issued_by,
        )
    )
    moved: dict[str, Any] = {
        "attempts": report.attempt,
        "newest_id": report.id,
        "newest_state": report.state.value,
        "overtaken_at": None,
        "changed_at": report.issued_at,
    }
    if report.revision is not None:
        await _keep_inputs(session, report, files)
        moved |= {"signed_id": report.id, "signed_revision": report.revision}
    await session.execute(
        update(sla_report_heads)
        .where(sla_report_heads.c.tenant_id == report.tenant_id, sla_report_heads.c.period == report.period)
        .values(**moved)
    )


async def mark_overtaken(session: WriteSession, head: Head, at: datetime | None) -> None:
    """Data received since give other figures, from ``at`` on; ``None``: they do not, after all."""
    await session.execute(
        update(sla_report_heads)
        .where(sla_report_heads.c.tenant_id == head.tenant_id, sla_report_heads.c.period == head.period)
        .values(overtaken_at=at)
    )


async def find_report(session: ReadSession, tenant_id: UUID, report_id: UUID) -> StoredReport:
    """``NotFound`` if the tenant has no such report."""
    row = (
        await session.execute(
            select(*_COLUMNS).where(sla_reports.c.tenant_id == tenant_id, sla_reports.c.id == report_id)
        )
    ).first()
    if row is None:
        raise NotFound("SLA report")
    return _report(row)


async def report_ids(session: ReadSession, tenant_id: UUID) -> tuple[UUID, ...]:
    """Of every attempt of a tenant, oldest first."""
    query = select(sla_reports.c.id).where(sla_reports.c.tenant_id == tenant_id).order_by(sla_reports.c.id)
    return tuple((await session.execute(query)).scalars())


async def find_document(session: ReadSession, tenant_id: UUID, report_id: UUID) -> bytes:
    """The report's RFC 8785 bytes."""
    found = (
        await session.execute(
            select(sla_reports.c.document).where(
                sla_reports.c.tenant_id == tenant_id, sla_reports.c.id == report_id
            )
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("SLA report")
    return bytes(found)


async def reports_with_documents(
    session: ReadSession, tenant_id: UUID, report_ids: Collection[UUID]
) -> Mapping[UUID, tuple[StoredReport, bytes]]:
    """Reports of a tenant with their RFC 8785 bytes, by id: of however many, in one question."""
    if not report_ids:
        return {}
    query = select(*_COLUMNS, sla_reports.c.document).where(
        sla_reports.c.tenant_id == tenant_id, sla_reports.c.id.in_(report_ids)
    )
    return {row.id: (_report(row), bytes(row.document)) for row in await session.execute(query)}


async def tallies(session: ReadSession, tenant_id: UUID, report_ids: Collection[UUID]) -> dict[UUID, Tally]:
    """What became of the objectives of a tenant's reports, by report."""
    return await _tallies(session, _verdicts(report_ids).where(sla_reports.c.tenant_id == tenant_id))


async def tallies_of_everybody(session: ReadSession, report_ids: Collection[UUID]) -> dict[UUID, Tally]:
    """The same over tenants. For the staff scope."""
    return await _tallies(session, _verdicts(report_ids))


async def find_inputs(session: ReadSession, tenant_id: UUID, report_id: UUID) -> dict[str, bytes]:
    """The files a signed report was computed from, by name; none for a refused one."""
    rows = await session.execute(
        select(sla_report_inputs.c.name, sla_report_inputs.c.content)
        .where(sla_report_inputs.c.tenant_id == tenant_id, sla_report_inputs.c.report_id == report_id)
        .order_by(sla_report_inputs.c.name)
    )
    return {row.name: zlib.decompress(row.content) for row in rows}


async def reports_of_period(session: ReadSession, tenant_id: UUID, period: str) -> tuple[StoredReport, ...]:
    """Every attempt at a period, oldest first."""
    rows = await session.execute(
        select(*_COLUMNS)
        .where(sla_reports.c.tenant_id == tenant_id, sla_reports.c.period == period)
        .order_by(sla_reports.c.attempt)
    )
    return tuple(_report(row) for row in rows)


async def reports_page(
    session: ReadSession,
    tenant_id: UUID,
    request: PageRequest,
    *,
    period: str | None = None,
    state: State | None = None,
) -> Page[StoredReport]:
    """A tenant's reports, newest period and attempt first."""
    query: Select[Any] = select(*_COLUMNS).where(sla_reports.c.tenant_id == tenant_id)
    if period is not None:
        query = query.where(sla_reports.c.period == period)
    if state is not None:
        query = query.where(sla_reports.c.state == state.value)
    return await keyset_page(
        session,
        query,
        request,
        order=(sla_reports.c.period_start, sla_reports.c.issued_at, sla_reports.c.id),
        parse=(datetime.fromisoformat, datetime.fromisoformat, UUID),
        read=_report,
        key=lambda report: (rfc3339(report.period_start), rfc3339(report.issued_at), str(report.id)),
        descending=True,
    )


async def _keep_inputs(session: WriteSession, report: StoredReport, files: Mapping[str, bytes]) -> None:
    await session.execute(
        insert(sla_report_inputs),
        [
            {
                "tenant_id": report.tenant_id,
                "report_id": report.id,
                "name": name,
                "content": zlib.compress(content, _COMPRESSION),
            }
            for name, content in files.items()
        ],
    )


def _verdicts(report_ids: Collection[UUID]) -> Select[Any]:
    document = cast(func.convert_from(sla_reports.c.document, "UTF8"), JSONB)
    met = func.jsonb_path_query_array(document, cast("$.objectives[*].met", JSONPATH), type_=JSONB)
    return select(sla_reports.c.id, met.label("met")).where(sla_reports.c.id.in_(report_ids))


async def _tallies(session: ReadSession, query: Select[Any]) -> dict[UUID, Tally]:
    rows = await session.execute(query)
    return {row.id: Tally(row.met.count(True), row.met.count(False)) for row in rows}


def _head_query(tenant_id: UUID, period: str) -> Select[Any]:
    return select(sla_report_heads).where(
        sla_report_heads.c.tenant_id == tenant_id, sla_report_heads.c.period == period
    )


def _head(row: Row[Any]) -> Head:
    return Head(
        tenant_id=row.tenant_id,
        period=row.period,
        period_start=row.period_start,
        attempts=row.attempts,
        newest_id=row.newest_id,
        newest_state=None if row.newest_state is None else State(row.newest_state),
        signed_id=row.signed_id,
        signed_revision=row.signed_revision,
        overtaken_at=row.overtaken_at,
        changed_at=row.changed_at,
    )


def _report(row: Row[Any]) -> StoredReport:
    return StoredReport(
        id=row.id,
        tenant_id=row.tenant_id,
        period=row.period,
        attempt=row.attempt,
        revision=row.revision,
        state=State(row.state),
        contract_id=row.contract_id,
        contract_version=row.contract_version,
        period_start=row.period_start,
        period_end=row.period_end,
        sha256=row.sha256,
        inputs_sha256=row.inputs_sha256,
        check=None if row.cross_check is None else CheckState(row.cross_check),
        readings_sha256=row.cross_check_sha256,
        findings=tuple(
            Finding(each["code"], each["message"], each["where"], Severity(each["severity"]))
            for each in row.findings
        ),
        supersedes=row.supersedes,
        delta=row.delta,
        reason=row.reason,
        receipt_id=row.receipt_id,
        issued_at=row.issued_at,
        issued_by=row.issued_by_name,
    )
