"""The delivery log: attempts, what came of each, replays. Appended to and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.notify.log import Replay
from trust_portal.notify.model import Attempt, Delivery, Verdict
from trust_portal.notify.tables import delivery_attempts, delivery_outcomes, delivery_replays
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def attempts_of(
    session: ReadSession, tenant_id: UUID, delivery_ids: Collection[UUID]
) -> Mapping[UUID, tuple[Attempt, ...]]:
    """By delivery, in order; those without any have no entry."""
    joined = delivery_attempts.outerjoin(
        delivery_outcomes,
        and_(
            delivery_outcomes.c.tenant_id == delivery_attempts.c.tenant_id,
            delivery_outcomes.c.delivery_id == delivery_attempts.c.delivery_id,
            delivery_outcomes.c.ordinal == delivery_attempts.c.ordinal,
        ),
    )
    rows = await session.execute(
        select(
            delivery_attempts,
            delivery_outcomes.c.verdict,
            delivery_outcomes.c.ended_at,
            delivery_outcomes.c.status,
            delivery_outcomes.c.words,
            delivery_outcomes.c.peer,
            delivery_outcomes.c.next_try_at,
            delivery_outcomes.c.given_up,
        )
        .select_from(joined)
        .where(
            delivery_attempts.c.tenant_id == tenant_id,
            delivery_attempts.c.delivery_id.in_(list(delivery_ids)),
        )
        .order_by(delivery_attempts.c.delivery_id, delivery_attempts.c.ordinal)
    )
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    for row in rows:
        found[row.delivery_id].append(_attempt(row))
    return {id_: tuple(attempts) for id_, attempts in found.items()}


async def replays_of(
    session: ReadSession, tenant_id: UUID, delivery_ids: Collection[UUID]
) -> Mapping[UUID, tuple[Replay, ...]]:
    """By delivery, in order; those never sent again have no entry."""
    rows = await session.execute(
        select(delivery_replays)
        .where(
            delivery_replays.c.tenant_id == tenant_id,
            delivery_replays.c.delivery_id.in_(list(delivery_ids)),
        )
        .order_by(delivery_replays.c.delivery_id, delivery_replays.c.round)
    )
    found: dict[UUID, list[Replay]] = defaultdict(list)
    for row in rows:
        found[row.delivery_id].append(_replay(row))
    return {id_: tuple(replays) for id_, replays in found.items()}


async def begin_attempt(session: WriteSession, delivery: Delivery, attempt: Attempt) -> bool:
    """False where this attempt is begun already, by somebody else."""
    begun = await session.execute(
        insert(delivery_attempts)
        .values(
            tenant_id=delivery.home_id,
            delivery_id=delivery.id,
            ordinal=attempt.ordinal,
            round=attempt.round,
            sent_to=attempt.sent_to,
            begun_at=attempt.begun_at,
            work_id=attempt.work_id,
        )
        .on_conflict_do_nothing()
        .returning(delivery_attempts.c.ordinal)
    )
    return begun.first() is not None


async def end_attempt(session: WriteSession, delivery: Delivery, attempt: Attempt) -> bool:
    """False where its end is written down already."""
    assert attempt.verdict is not None  # noqa: S101 - the caller has just set it
    ended = await session.execute(
        insert(delivery_outcomes)
        .values(
            tenant_id=delivery.home_id,
            delivery_id=delivery.id,
            ordinal=attempt.ordinal,
            verdict=attempt.verdict.value,
            ended_at=attempt.ended_at,
            status=attempt.status,
            words=attempt.words,
            peer=attempt.peer,
            next_try_at=attempt.next_try_at,
            given_up=attempt.given_up,
        )
        .on_conflict_do_nothing()
        .returning(delivery_outcomes.c.ordinal)
    )
    return ended.first() is not None


def _attempt(row: Row[Any]) -> Attempt:
    ended = row.verdict is not None
    return Attempt(
        ordinal=row.ordinal,
        round=row.round,
        sent_to=row.sent_to,
        begun_at=row.begun_at,
        work_id=row.work_id,
        ended_at=row.ended_at,
        verdict=Verdict(row.verdict) if ended else None,
        status=row.status,
        words=row.words or "",
        peer=row.peer or "",
        next_try_at=row.next_try_at,
        given_up=bool(row.given_up),
    )


def _replay(row: Row[Any]) -> Replay:
    return Replay(row.round, row.asked_at, row.asked_by_name, row.reason, row.receipt_id)
