"""Exclusions with their states in and out of their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select

from trust_portal.access.approvals.model import UsedApproval
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.exclusions.model import NOUN, ExclusionState, Passage, StoredExclusion
from trust_portal.reliability.exclusions.tables import exclusion_states, exclusions
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_exclusion(session: WriteSession, exclusion: StoredExclusion, document: bytes) -> None:
    """A new proposal with its first state."""
    await session.execute(
        insert(exclusions).values(
            tenant_id=exclusion.tenant_id,
            id=exclusion.id,
            starts_at=exclusion.start,
            ends_at=exclusion.end,
            objectives=None if exclusion.objectives is None else list(exclusion.objectives),
            reason=exclusion.reason,
            evidence=exclusion.evidence,
            proposer_id=exclusion.proposer_id,
            proposer_name=exclusion.proposer,
            request_id=exclusion.request_id,
            document=document,
            sha256=exclusion.sha256,
            proposed_at=exclusion.proposed_at,
        )
    )
    await add_passage(session, exclusion, None, exclusion.last, None)


async def add_passage(
    session: WriteSession,
    exclusion: StoredExclusion,
    before: Passage | None,
    passage: Passage,
    used: UsedApproval | None,
) -> None:
    """The next state; an approved one with the approval that was ``used``.

    Raises ``Conflict`` (EXCLUSION_CHANGED) where another took its place meanwhile.
    """
    meanwhile = Conflict(
        "somebody was faster; look at what became of this exclusion", code="EXCLUSION_CHANGED"
    )
    spent = None if used is None else used.approval.steps[-1]
    with duplicates_are(meanwhile, exclusion_states.name):
        await session.execute(
            insert(exclusion_states).values(
                tenant_id=exclusion.tenant_id,
                exclusion_id=exclusion.id,
                ordinal=passage.ordinal,
                state=passage.state.value,
                previous=None if before is None else before.ordinal,
                previous_state=None if before is None else before.state.value,
                request_id=exclusion.request_id,
                use_ordinal=None if spent is None else spent.ordinal,
                use_act=None if spent is None else spent.act.value,
                used_at=None if spent is None else spent.at,
                approvers=None if used is None else _approvers(used),
                at=passage.at,
                by_id=passage.by_id,
                by_name=passage.by,
                reason=passage.reason,
                receipt_id=passage.receipt_id,
            )
        )


async def find_exclusion(session: ReadSession, tenant_id: UUID, exclusion_id: UUID) -> StoredExclusion:
    """``NotFound`` if the tenant has no such exclusion."""
    found = await _exclusions(session, tenant_id, _query(tenant_id).where(exclusions.c.id == exclusion_id))
    if not found:
        raise NotFound(NOUN)
    return found[0]


async def find_document(session: ReadSession, tenant_id: UUID, exclusion_id: UUID) -> bytes:
    """The proposal's RFC 8785 bytes."""
    query = select(exclusions.c.document).where(
        exclusions.c.tenant_id == tenant_id, exclusions.c.id == exclusion_id
    )
    found = (await session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound(NOUN)
    return bytes(found)


async def find_exclusion_of_request(
    session: ReadSession, tenant_id: UUID, request_id: UUID
) -> StoredExclusion | None:
    """The exclusion that an approval was asked for."""
    query = _query(tenant_id).where(exclusions.c.request_id == request_id)
    found = await _exclusions(session, tenant_id, query)
    return found[0] if found else None


async def exclusions_touching(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[StoredExclusion, ...]:
    """Every proposal of the tenant that touches [start, end), whatever became of it, by start."""
    query = _query(tenant_id).where(exclusions.c.starts_at < end, exclusions.c.ends_at > start)
    return await _exclusions(session, tenant_id, query.order_by(exclusions.c.starts_at, exclusions.c.id))


async def in_force(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime
) -> tuple[StoredExclusion, ...]:
    """Those of them that were approved and not revoked."""
    touching = await exclusions_touching(session, tenant_id, start, end)
    return tuple(each for each in touching if each.state is ExclusionState.APPROVED)


async def tenants_with_exclusions(
    session: ReadSession, tenant_ids: Collection[UUID], start: datetime, end: datetime
) -> frozenset[UUID]:
    """Those of whom a proposal touches [start, end), whatever became of it. In the staff scope."""
    rows = await session.execute(
        select(exclusions.c.tenant_id)
        .distinct()
        .where(
            exclusions.c.tenant_id.in_(tenant_ids), exclusions.c.starts_at < end, exclusions.c.ends_at > start
        )
    )
    return frozenset(rows.scalars())


async def exclusions_page(
    session: ReadSession, tenant_id: UUID, request: PageRequest
) -> Page[StoredExclusion]:
    """A tenant's proposals, newest first."""
    page = await keyset_page(
        session,
        _query(tenant_id),
        request,
        order=(exclusions.c.proposed_at, exclusions.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=lambda row: row,
        key=lambda row: (rfc3339(row.proposed_at), str(row.id)),
        descending=True,
    )
    items = await _with_history(session, tenant_id, page.items)
    return Page(items, page.cursors, page.has_next, page.has_previous)


def _approvers(used: UsedApproval) -> list[UUID]:
    return [each.person_id for each in used.approval.approvals]


def _query(tenant_id: UUID) -> Select[Any]:
    return select(*(each for each in exclusions.c if each.name != "document")).where(
        exclusions.c.tenant_id == tenant_id
    )


async def _exclusions(
    session: ReadSession, tenant_id: UUID, query: Select[Any]
) -> tuple[StoredExclusion, ...]:
    return await _with_history(session, tenant_id, (await session.execute(query)).all())


async def _with_history(
    session: ReadSession, tenant_id: UUID, rows: Sequence[Row[Any]]
) -> tuple[StoredExclusion, ...]:
    if not rows:
        return ()
    states = await session.execute(
        select(exclusion_states)
        .where(
            exclusion_states.c.tenant_id == tenant_id,
            exclusion_states.c.exclusion_id.in_([row.id for row in rows]),
        )
        .order_by(exclusion_states.c.ordinal)
    )
    history: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for state in states:
        history[state.exclusion_id].append(state)
    return tuple(_exclusion(row, history[row.id]) for row in rows if history[row.id])


def _exclusion(row: Row[Any], states: Sequence[Row[Any]]) -> StoredExclusion:
    return StoredExclusion(
        id=row.id,
        tenant_id=row.tenant_id,
        start=row.starts_at,
        end=row.ends_at,
        objectives=None if row.objectives is None else tuple(row.objectives),
        reason=row.reason,
        evidence=row.evidence,
        proposer_id=row.proposer_id,
        proposer=row.proposer_name,
        request_id=row.request_id,
        sha256=row.sha256,
        proposed_at=row.proposed_at,
        history=tuple(
            Passage(
                each.ordinal,
                ExclusionState(each.state),
                each.at,
                each.by_id,
                each.by_name,
                each.reason,
                each.receipt_id,
            )
            for each in states
        ),
        approvers=tuple(person for each in states for person in each.approvers or ()),
    )
