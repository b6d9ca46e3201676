"""The outbox as the workers see it: hand over, start, keep, give back, fail.

A row's life, each step one short transaction:

    waiting ─ hand over ─▶ queued ─ start ─▶ at work ─ the job's effect ─▶ gone
       ▲                      │                 │
       └── lease ran out ─────┴── lease ran out ┴── failed: waits longer each time ─▶ given up

*Handing over* takes a lease but counts nothing: the queue knows the job as ``id:attempts``, so
handing the same row over twice is one job, and a queue server that lost everything is refilled.
*Starting* counts an attempt, which gives the row a new name: what a killed worker left behind in
the queue no longer fits and is ignored. An attempt that is *given back* is counted back beside it, so that the
name stays new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import DEFAULT_QUEUE, QUEUE_OF, Job, outbox
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

#: How long a handed-over row may wait in the queue before it is offered again (harmless: same name).
QUEUED_LEASE = timedelta(seconds=30)
#: How long a worker may be silent about a job; it renews at a third of this. Far below arq's own
#: recovery, which takes the longest job timeout and ten seconds more.
WORKING_LEASE = timedelta(seconds=15)
#: Attempts after which a row is given up and kept for people to look at.
MAX_ATTEMPTS = 8
#: The longest wait between two attempts; they double from one second.
MAX_BACK_OFF = timedelta(minutes=5)
#: Rows of one queue that may be with the queue server at a time; the truth stays here.
MAX_QUEUED = 64

_HOUSE = TenantScope(VENDOR_ID)

#: Asked ten times a second by every worker, mostly for nothing; hence past SQLAlchemy.
_DUE = """
SELECT job FROM unnest(CAST($2 AS text[])) AS job
WHERE EXISTS (
    SELECT FROM outbox
    WHERE outbox.job = job.job AND failed_at IS NULL AND due_at <= $1
      AND (leased_until IS NULL OR leased_until <= $1))
"""
_JOBS = [job.value for job in Job]


@dataclass(frozen=True, slots=True)
class Ticket:
    """An outbox row as it travels: which row, at which attempt; and how many of those were given back."""

    row_id: UUID
    job: Job
    attempts: int
    given_back: int = 0

    @property
    def name(self) -> str:
        """The queue's name for this attempt."""
        return f"{self.row_id}:{self.attempts}"

    @property
    def spent(self) -> int:
        """The attempts that count against ``MAX_ATTEMPTS``."""
        return self.attempts - self.given_back


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """One row for people to look at: what waits, what is tried again, what was given up."""

    row_id: UUID
    job: str
    arguments: dict[str, str]
    attempts: int
    last_error: str | None
    due_at: datetime
    failed_at: datetime | None


class Backlog:
    """Everything that is asked of the outbox after the commit that wrote to it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def queues_due(self) -> frozenset[str]:
        """The queues for which ``hand_over`` would find something, where there is room."""
        async with self._storage.read(_HOUSE) as session:
            driver = await session.driver()
            rows = await driver.fetch(_DUE, self._storage.clock.now(), _JOBS)
        jobs = {row["job"] for row in rows}
        return frozenset(QUEUE_OF.get(job, DEFAULT_QUEUE) for job in Job if job.value in jobs)

    async def hand_over(self, queue: str, *, limit: int = MAX_QUEUED) -> tuple[Ticket, ...]:
        """Claim due rows of ``queue``, and rows past their lease, for ``QUEUED_LEASE``."""
        now = self._storage.clock.now()
        async with self._storage.write(_HOUSE) as session:
            mine = _of_queue(queue)
            counted = await session.execute(
                select(func.count()).select_from(outbox).where(mine, outbox.c.leased_until > now)
            )
            room = limit - counted.scalar_one()
            if room <= 0:
                return ()
            rows = (
                await session.execute(
                    select(outbox.c.id, outbox.c.job, outbox.c.attempts)
                    .where(
                        mine,
                        outbox.c.failed_at.is_(None),
                        outbox.c.due_at <= now,
                        or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now),
                    )
                    .order_by(outbox.c.due_at, outbox.c.id)
                    .limit(room)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            if rows:
                await session.execute(
                    update(outbox)
                    .where(outbox.c.id.in_([row.id for row in rows]))
                    .values(leased_until=now + QUEUED_LEASE)
                )
            return tuple(Ticket(row.id, Job(row.job), row.attempts) for row in rows)

    async def take_back(self, tickets: Sequence[Ticket]) -> None:
        """The queue server did not take these: let them wait again at once."""
        async with self._storage.write(_HOUSE) as session:
            for ticket in tickets:
                await session.execute(update(outbox).where(_still(ticket)).values(leased_until=None))

    async def start(self, ticket: Ticket) -> tuple[Ticket, dict[str, str]] | None:
        """Begin an attempt: the ticket to hold while working, and the job's arguments.

        ``None`` when the row is gone, given up, or already at a later attempt.
        """
        now = self._storage.clock.now()
        async with self._storage.write(_HOUSE) as session:
            row = (
                await session.execute(
                    update(outbox)
                    .where(_still(ticket), outbox.c.failed_at.is_(None))
                    .values(attempts=outbox.c.attempts + 1, leased_until=now + WORKING_LEASE)
                    .returning(outbox.c.attempts, outbox.c.given_back, outbox.c.arguments)
                )
            ).one_or_none()
        if row is None:
            return None
        return Ticket(ticket.row_id, ticket.job, row.attempts, row.given_back), dict(row.arguments)

    async def keep(self, ticket: Ticket) -> bool:
        """Renew the lease of a job at work; ``False`` when it is no longer this worker's."""
        now = self._storage.clock.now()
        async with self._storage.write(_HOUSE) as session:
            row = await session.execute(
                update(outbox)
                .where(_still(ticket))
                .values(leased_until=now + WORKING_LEASE)
                .returning(outbox.c.id)
            )
            return row.first() is not None

    async def give_back(self, ticket: Ticket) -> None:
        """The worker stops in good order: somebody else may begin at once, and no attempt is lost."""
        async with self._storage.write(_HOUSE) as session:
            await session.execute(
                update(outbox)
                .where(_still(ticket))
                .values(given_back=outbox.c.given_back + 1, leased_until=None)
            )

    async def fail(self, ticket: Ticket, error: str) -> None:
        """An attempt failed: write down why and wait 1, 2, 4 … seconds before the next."""
        now = self._storage.clock.now()
        wait = min(timedelta(seconds=2 ** min(ticket.spent - 1, 16)), MAX_BACK_OFF)
        async with self._storage.write(_HOUSE) as session:
            await session.execute(
                update(outbox)
                .where(_still(ticket))
                .values(leased_until=None, due_at=now + wait, last_error=error)
            )

    async def give_up(self, ticket: Ticket, error: str) -> None:
        """End the attempts. The row stays as the record; its dedupe key is freed for a new request.

        It is the record of its like: rows of the same job and arguments that were given up before go, so that
        what is asked for again and again, in vain, is kept once.
        """
        now = self._storage.clock.now()
        async with self._storage.write(_HOUSE) as session:
            row = (
                await session.execute(
                    update(outbox)
                    .where(_still(ticket))
                    .values(leased_until=None, failed_at=now, dedupe_key=None, last_error=error)
                    .returning(outbox.c.arguments)
                )
            ).one_or_none()
            if row is not None:
                await session.execute(
                    delete(outbox).where(
                        outbox.c.job == ticket.job.value,
                        outbox.c.arguments == row.arguments,
                        outbox.c.failed_at.is_not(None),
                        outbox.c.id != ticket.row_id,
                    )
                )

    async def done(self, ticket: Ticket) -> None:
        """Clear a row whose job had nothing left to do; most jobs did so with their effect."""
        async with self._storage.write(_HOUSE) as session:
            await session.complete(ticket.row_id)

    async def given_up(self) -> dict[str, int]:
        """How many rows were given up and are kept, by job."""
        query = select(outbox.c.job, func.count().label("kept")).where(outbox.c.failed_at.is_not(None))
        async with self._storage.read(_HOUSE) as session:
            rows = await session.execute(query.group_by(outbox.c.job).order_by(outbox.c.job))
            return {row.job: row.kept for row in rows}

    async def waiting(self, *, limit: int = 100) -> tuple[WaitingWork, ...]:
        """What has not been done yet, the given-up first, then by due time."""
        async with self._storage.read(_HOUSE) as session:
            rows = await session.execute(
                select(outbox)
                .order_by(outbox.c.failed_at.desc().nulls_last(), outbox.c.due_at, outbox.c.id)
                .limit(limit)
            )
            return tuple(
                WaitingWork(
                    row.id,
                    row.job,
                    dict(row.arguments),
                    row.attempts,
                    row.last_error,
                    row.due_at,
                    row.failed_at,
                )
                for row in rows
            )


def _of_queue(queue: str) -> ColumnElement[bool]:
    return outbox.c.job.in_([job.value for job in Job if QUEUE_OF.get(job, DEFAULT_QUEUE) == queue])


def _still(ticket: Ticket) -> ColumnElement[Any]:
    return and_(outbox.c.id == ticket.row_id, outbox.c.attempts == ticket.attempts)
