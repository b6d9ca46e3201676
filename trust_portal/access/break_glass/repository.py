"""Emergency access in and out of its tables, and what was done with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, and_, exists, func, insert, not_, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.approvals.model import Step
from trust_portal.access.break_glass.model import (
    Done,
    Emergency,
    GlassAct,
    GlassStep,
    Grant,
    Outcome,
    Record,
)
from trust_portal.access.break_glass.tables import break_glass_grants, break_glass_steps
from trust_portal.access.tables import access_log
from trust_portal.errors import Conflict
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import ActorKind, BrokenGlass
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_grant, _step = break_glass_grants.c, break_glass_steps.c
#: Steps of the grant of the block around.
_ITS = (_step.tenant_id == _grant.tenant_id, _step.grant_id == _grant.id)
#: An act that was under way when its time ended may be a moment later.
_UNDER_WAY: Final = timedelta(minutes=5)
#: Its own receipts are no acts under it.
_OWN: Final = "break_glass.%"


async def add_grant(session: WriteSession, grant: Grant) -> None:
    """``Conflict`` (``ALREADY_OPEN``) where the same person opened one at the same moment."""
    twice = Conflict("you have broken the glass for this tenant at this moment", code="ALREADY_OPEN")
    with duplicates_are(twice, break_glass_grants.name):
        await session.execute(
            insert(break_glass_grants).values(
                tenant_id=grant.tenant_id,
                id=grant.id,
                number=grant.number,
                person_id=grant.person_id,
                person_name=grant.person_name,
                reason=grant.reason,
                opened_at=grant.opened_at,
                until=grant.until,
                receipt_id=grant.receipt_id,
            )
        )


async def add_step(
    session: WriteSession, emergency: Emergency, step: GlassStep, decided: Step | None = None
) -> bool:
    """False where another step has taken its place meanwhile. ``decided`` ends the review's request."""
    grant, before = emergency.grant, emergency.steps[-1] if emergency.steps else None
    added = await session.execute(
        upsert(break_glass_steps)
        .values(
            tenant_id=grant.tenant_id,
            grant_id=grant.id,
            ordinal=step.ordinal,
            act=step.act.value,
            previous=None if before is None else before.ordinal,
            previous_act=None if before is None else before.act.value,
            person_id=grant.person_id,
            actor_id=step.actor_id,
            actor_name=step.actor_name,
            reason=step.reason,
            at=step.at,
            approval_id=step.approval_id,
            outcome=None if step.outcome is None else step.outcome.value,
            decided=None if decided is None else decided.ordinal,
            decided_act=None if decided is None else decided.act.value,
            decided_at=None if decided is None else decided.at,
            receipt_id=step.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(break_glass_steps.c.ordinal)
    )
    return added.first() is not None


async def broken_by(session: ReadSession, person_id: UUID, now: datetime) -> frozenset[BrokenGlass]:
    """What a person has open now. In the staff scope."""
    rows = await session.execute(
        select(_grant.tenant_id, _grant.id).where(
            _grant.person_id == person_id, _grant.until > now, not_(_with(GlassAct.CLOSE))
        )
    )
    return frozenset(BrokenGlass(row.id, row.tenant_id) for row in rows)


async def unreviewed(session: ReadSession) -> tuple[Emergency, ...]:
    """Of all tenants, the oldest first. In the staff scope."""
    rows = await session.execute(
        select(break_glass_grants)
        .where(not_(_with(GlassAct.REVIEW)))
        .order_by(_grant.opened_at, _grant.id)
        .limit(100)
    )
    return await _with_steps(session, [_read(row) for row in rows])


async def owed(session: ReadSession, now: datetime) -> tuple[Grant, ...]:
    """Over and not closed, or closed and nobody asked for the review, of all tenants. In the staff scope."""
    rows = await session.execute(
        select(break_glass_grants)
        .where(
            or_(
                and_(_grant.until <= now, not_(_with(GlassAct.CLOSE))),
                and_(_with(GlassAct.CLOSE), not_(_with(GlassAct.ASK))),
            )
        )
        .order_by(_grant.opened_at, _grant.id)
        .limit(100)
    )
    return tuple(_read(row) for row in rows)


async def find_emergency(session: ReadSession, tenant_id: UUID, grant_id: UUID) -> Emergency | None:
    row = (
        await session.execute(
            select(break_glass_grants).where(_grant.tenant_id == tenant_id, _grant.id == grant_id)
        )
    ).first()
    return None if row is None else (await _with_steps(session, [_read(row)]))[0]


async def grant_of_review(session: ReadSession, tenant_id: UUID, approval_id: UUID) -> UUID | None:
    """The grant whose review was asked for with a request."""
    query = select(_step.grant_id).where(
        _step.tenant_id == tenant_id,
        _step.approval_id == approval_id,
        _step.act == GlassAct.ASK.value,
    )
    return (await session.execute(query)).scalar_one_or_none()


async def latest_of(session: ReadSession, tenant_id: UUID, person_id: UUID) -> Emergency | None:
    """The latest that a person opened for a tenant."""
    row = (
        await session.execute(
            select(break_glass_grants)
            .where(_grant.tenant_id == tenant_id, _grant.person_id == person_id)
            .order_by(_grant.number.desc())
            .limit(1)
        )
    ).first()
    return None if row is None else (await _with_steps(session, [_read(row)]))[0]


async def emergencies_page(
    session: ReadSession, tenant_id: UUID | None, request: PageRequest
) -> Page[Emergency]:
    """Newest first; of all tenants only in the staff scope."""
    query = select(break_glass_grants)
    if tenant_id is not None:
        query = query.where(_grant.tenant_id == tenant_id)
    bare = await keyset_page(
        session,
        query,
        request,
        order=(_grant.opened_at, _grant.id),
        parse=(datetime.fromisoformat, UUID),
        read=_read,
        key=lambda each: (rfc3339(each.opened_at), str(each.id)),
        descending=True,
    )
    return Page(await _with_steps(session, bare.items), bare.cursors, bare.has_next, bare.has_previous)


async def record_of(session: ReadSession, emergency: Emergency) -> Record:
    """What its holder did and looked at meanwhile, by tokens too: receipts and entries that carry its id."""
    grant = emergency.grant
    rows = await session.execute(
        select(receipts.c.id, receipts.c.kind, receipts.c.at, receipts.c.envelope)
        .where(
            receipts.c.tenant_id == grant.tenant_id,
            receipts.c.at >= grant.opened_at,
            receipts.c.at <= emergency.ended_at + _UNDER_WAY,
            or_(receipts.c.actor_id == grant.person_id, receipts.c.actor_kind == ActorKind.TOKEN.value),
            not_(receipts.c.kind.like(_OWN)),
        )
        .order_by(receipts.c.at, receipts.c.id)
    )
    acts = tuple(
        Done(row.id, row.kind, row.at, sha256_hex(row.envelope))
        for row in rows
        if _carries(bytes(row.envelope), grant.id)
    )
    looks = select(func.count()).where(
        access_log.c.tenant_id == grant.tenant_id,
        access_log.c.at >= grant.opened_at,
        access_log.c.at <= emergency.ended_at + _UNDER_WAY,
        or_(access_log.c.actor_id == grant.person_id, access_log.c.actor_kind == ActorKind.TOKEN.value),
        access_log.c.purpose.like(f"%break-glass {grant.id}"),
    )
    return Record(acts, int((await session.execute(looks)).scalar_one()))


def _carries(envelope: bytes, grant_id: UUID) -> bool:
    return Statement.parse(Envelope.parse(envelope).payload).predicate.get("break_glass") == str(grant_id)


def _with(act: GlassAct) -> Any:
    return exists().where(and_(*_ITS, _step.act == act.value))


async def _with_steps(session: ReadSession, grants: Sequence[Grant]) -> tuple[Emergency, ...]:
    if not grants:
        return ()
    rows = await session.execute(
        select(break_glass_steps)
        .where(
            _step.tenant_id.in_({each.tenant_id for each in grants}),
            _step.grant_id.in_([each.id for each in grants]),
        )
        .order_by(_step.ordinal)
    )
    steps: dict[tuple[UUID, UUID], list[GlassStep]] = defaultdict(list)
    for row in rows:
        steps[row.tenant_id, row.grant_id].append(_read_step(row))
    return tuple(Emergency(each, tuple(steps[each.tenant_id, each.id])) for each in grants)


def _read(row: Row[Any]) -> Grant:
    return Grant(
        id=row.id,
        tenant_id=row.tenant_id,
        number=row.number,
        person_id=row.person_id,
        person_name=row.person_name,
        reason=row.reason,
        opened_at=row.opened_at,
        until=row.until,
        receipt_id=row.receipt_id,
    )


def _read_step(row: Row[Any]) -> GlassStep:
    return GlassStep(
        ordinal=row.ordinal,
        act=GlassAct(row.act),
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        reason=row.reason,
        receipt_id=row.receipt_id,
        approval_id=row.approval_id,
        outcome=None if row.outcome is None else Outcome(row.outcome),
    )
