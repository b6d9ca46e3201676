"""QBRs and commitments in and out of their tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, insert, select

from trust_portal.access.approvals.model import person_behind
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.qbr.model import (
    FORMAT,
    NOUN,
    Audience,
    Commitment,
    CommitmentState,
    Entry,
    EntryKind,
    Issue,
    Qbr,
    Verdict,
)
from trust_portal.trust.qbr.obstacles import obstacles_in, obstacles_json
from trust_portal.trust.qbr.tables import qbr_commitments, qbr_entries, qbr_issues, qbrs
from trust_portal.trust.report.model import Acknowledged

_MEANWHILE = Conflict("somebody changed this QBR meanwhile; look again", code="QBR_CHANGED")


async def add_qbr(session: WriteSession, qbr: Qbr, snapshot: bytes, actor: Actor) -> None:
    """Raises ``Conflict`` (QBR_CHANGED) where another was prepared at the same moment."""
    with duplicates_are(_MEANWHILE, qbrs.name):
        await session.execute(
            insert(qbrs).values(
                tenant_id=qbr.tenant_id,
                id=qbr.id,
                number=qbr.number,
                period=qbr.period,
                as_of=qbr.as_of,
                snapshot=snapshot,
                sha256=qbr.sha256,
                blocking=qbr.blocking,
                trust_report_id=qbr.trust_report_id,
                obstacles=None if qbr.obstacles is None else obstacles_json(qbr.obstacles),
                by_id=person_behind(actor),
                by_name=qbr.prepared_by,
                receipt_id=qbr.receipt_id,
            )
        )


async def of_another_format(session: ReadSession, drafts: Iterable[Qbr]) -> frozenset[UUID]:
    """Those that were gathered for another format than today's, by id: the first name in canonical bytes is it."""
    place = {each.id: each.tenant_id for each in drafts}
    today = f'{{"format":"{FORMAT}",'.encode()
    query = select(qbrs.c.id).where(
        qbrs.c.tenant_id.in_(set(place.values())),
        qbrs.c.id.in_(place),
        func.substr(qbrs.c.snapshot, 1, len(today)) != today,
    )
    return frozenset((await session.execute(query)).scalars())


async def qbrs_of(session: ReadSession, tenant_id: UUID, period: str | None = None) -> tuple[Qbr, ...]:
    """Every snapshot of a tenant, or those of one period, the newest first."""
    query = _qbrs(tenant_id)
    if period is not None:
        query = query.where(qbrs.c.period == period)
    return tuple(map(_qbr, await session.execute(query.order_by(qbrs.c.number.desc()))))


async def newest_qbrs(session: ReadSession, tenant_id: UUID | None = None) -> Mapping[tuple[UUID, str], Qbr]:
    """Of every tenant, or one, and period the one that counts: the last issued, or else the last; in the staff scope."""
    query = _qbrs(tenant_id).order_by(qbrs.c.tenant_id, qbrs.c.period, qbrs.c.number)
    found: dict[tuple[UUID, str], Qbr] = {}
    for row in await session.execute(query):
        each = _qbr(row)
        place = (each.tenant_id, each.period)
        if each.issue is not None or place not in found or found[place].issue is None:
            found[place] = each
    return found


async def find_qbr(session: ReadSession, tenant_id: UUID, qbr_id: UUID) -> tuple[Qbr, bytes]:
    """With its snapshot's bytes. ``NotFound`` if the tenant has no such one."""
    query = _qbrs(tenant_id).add_columns(qbrs.c.snapshot).where(qbrs.c.id == qbr_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound(NOUN)
    return _qbr(row), bytes(row.snapshot)


async def add_issue(session: WriteSession, qbr: Qbr, issue: Issue, document: bytes, actor: Actor) -> None:
    """Raises ``Conflict`` (QBR_CHANGED) where it, or its revision, was issued meanwhile."""
    with duplicates_are(_MEANWHILE, qbr_issues.name):
        await session.execute(
            insert(qbr_issues).values(
                tenant_id=qbr.tenant_id,
                qbr_id=qbr.id,
                period=qbr.period,
                revision=issue.revision,
                document=document,
                sha256=issue.sha256,
                acknowledged=[each.json() for each in issue.acknowledged],
                reason=issue.reason,
                at=issue.at,
                by_id=person_behind(actor),
                by_name=issue.by_name,
                receipt_id=issue.receipt_id,
            )
        )


async def find_document(session: ReadSession, tenant_id: UUID, qbr_id: UUID) -> bytes:
    """The issued document. ``NotFound`` while there is none."""
    table = qbr_issues.c
    query = select(table.document).where(table.tenant_id == tenant_id, table.qbr_id == qbr_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound(NOUN)
    return bytes(row.document)


async def entries_of(session: ReadSession, tenant_id: UUID, period: str) -> tuple[Entry, ...]:
    """What was said about a period's QBR, in order."""
    table = qbr_entries.c
    query = select(qbr_entries).where(table.tenant_id == tenant_id, table.period == period)
    return tuple(map(_entry, await session.execute(query.order_by(table.ordinal))))


async def spoken_of(session: ReadSession) -> frozenset[tuple[UUID, str]]:
    """The tenants and periods about whose reviews somebody said something; in the staff scope."""
    query = select(qbr_entries.c.tenant_id, qbr_entries.c.period).distinct()
    return frozenset((row.tenant_id, row.period) for row in await session.execute(query))


async def left_out_of(
    session: ReadSession, periods: Collection[str]
) -> Mapping[tuple[UUID, str], frozenset[str]]:
    """By tenant and period the sections that are left out of these periods' reviews; in the staff scope."""
    table = qbr_entries.c
    query = (
        select(table.tenant_id, table.period, table.subject, table.text)
        .where(table.kind == EntryKind.OMISSION.value, table.period.in_(periods))
        .order_by(table.tenant_id, table.period, table.ordinal)
    )
    last = {(row.tenant_id, row.period, row.subject): row.text for row in await session.execute(query)}
    found: dict[tuple[UUID, str], frozenset[str]] = {}
    for (tenant_id, period, subject), text in last.items():
        if text:
            found[tenant_id, period] = found.get((tenant_id, period), frozenset()) | {subject}
    return found


async def add_entry(session: WriteSession, tenant_id: UUID, period: str, entry: Entry, actor: Actor) -> None:
    """Raises ``Conflict`` (QBR_CHANGED)."""
    with duplicates_are(_MEANWHILE, qbr_entries.name):
        await session.execute(
            insert(qbr_entries).values(
                tenant_id=tenant_id,
                period=period,
                ordinal=entry.ordinal,
                kind=entry.kind.value,
                subject=entry.subject,
                audience=entry.audience.value,
                text=entry.text,
                verdict=None if entry.verdict is None else entry.verdict.value,
                seen=entry.seen,
                at=entry.at,
                by_id=person_behind(actor),
                by_name=entry.by_name,
                receipt_id=entry.receipt_id,
            )
        )


async def commitments_of(session: ReadSession, tenant_id: UUID) -> tuple[Commitment, ...]:
    """As they stand, in the order in which they were made."""
    table = qbr_commitments.c
    query = select(qbr_commitments).where(table.tenant_id == tenant_id).order_by(table.revision)
    found = {row.id: _commitment(row) for row in await session.execute(query)}
    return tuple(sorted(found.values(), key=lambda each: (each.made_at, each.id)))


async def last_commitments(session: ReadSession) -> Mapping[UUID, datetime]:
    """By tenant when something was last promised or settled; in the staff scope."""
    table = qbr_commitments.c
    query = select(table.tenant_id, func.max(table.at).label("at")).group_by(table.tenant_id)
    return {row.tenant_id: row.at for row in await session.execute(query)}


async def add_commitment(session: WriteSession, commitment: Commitment, actor: Actor) -> None:
    """A commitment that is made, or settled. Raises ``Conflict`` (COMMITMENT_SETTLED)."""
    settled = Conflict("somebody settled this commitment meanwhile", code="COMMITMENT_SETTLED")
    with duplicates_are(settled, qbr_commitments.name):
        await session.execute(
            insert(qbr_commitments).values(
                tenant_id=commitment.tenant_id,
                id=commitment.id,
                revision=commitment.revision,
                text=commitment.text,
                owner=commitment.owner,
                due=commitment.due,
                state=commitment.state.value,
                evidence=commitment.evidence,
                period=commitment.period,
                made_at=commitment.made_at,
                at=commitment.at,
                by_id=person_behind(actor),
                by_name=commitment.by_name,
                receipt_id=commitment.receipt_id,
            )
        )


def _qbrs(tenant_id: UUID | None) -> Select[Any]:
    """Snapshots with their issues; without a tenant of all, in the staff scope."""
    issue = qbr_issues.c
    query = select(
        *(each for each in qbrs.c if each.name != "snapshot"),
        issue.revision.label("issue_revision"),
        issue.sha256.label("issue_sha256"),
        issue.acknowledged,
        issue.reason,
        issue.at.label("issued_at"),
        issue.by_name.label("issued_by"),
        issue.receipt_id.label("issue_receipt_id"),
    ).select_from(
        qbrs.outerjoin(qbr_issues, and_(issue.tenant_id == qbrs.c.tenant_id, issue.qbr_id == qbrs.c.id))
    )
    return query if tenant_id is None else query.where(qbrs.c.tenant_id == tenant_id)


def _qbr(row: Row[Any]) -> Qbr:
    issue = None
    if row.issue_receipt_id is not None:
        issue = Issue(
            row.issue_revision,
            row.issue_sha256,
            tuple(map(Acknowledged.of, row.acknowledged)),
            row.reason,
            row.issued_at,
            row.issued_by,
            row.issue_receipt_id,
        )
    return Qbr(
        row.id,
        row.tenant_id,
        row.number,
        row.period,
        row.as_of,
        row.sha256,
        row.by_name,
        row.receipt_id,
        row.blocking,
        row.trust_report_id,
        issue,
        None if row.obstacles is None else obstacles_in(row.obstacles),
    )


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.ordinal,
        EntryKind(row.kind),
        row.subject,
        Audience(row.audience),
        row.text,
        row.at,
        row.by_name,
        row.receipt_id,
        None if row.verdict is None else Verdict(row.verdict),
        row.seen,
    )


def _commitment(row: Row[Any]) -> Commitment:
    return Commitment(
        row.id,
        row.tenant_id,
        row.revision,
        row.text,
        row.owner,
        row.due,
        CommitmentState(row.state),
        row.evidence,
        row.period,
        row.made_at,
        row.at,
        row.by_name,
        row.receipt_id,
    )
