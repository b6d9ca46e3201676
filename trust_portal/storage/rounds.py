"""How the workers' rounds fare: when each was last well, how often it failed, and what it could not do for whom.

A round that goes through many subjects (tenants, mostly) does not stop at one that fails. That one is *set
back*: it is tried again after 1, 2, 4 … minutes, by itself, and what waits for it goes on waiting where it was
put down. Both tables are the installation's own and hold codes only, no words: words may speak of a tenant's
things.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, Text, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from trust_portal.errors import Broken, TrustPortalError, Unavailable
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.metadata import house_table, instant, uuid_column
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

log = logging.getLogger(__name__)

#: The wait after the first failure; it doubles.
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=1)
#: A round that is well, ten times a second perhaps, is noted so often.
NOTED_EVERY: Final = timedelta(minutes=1)

_HOUSE: Final = TenantScope(VENDOR_ID)


class Round(StrEnum):
    """Rounds that set back whoever they fail for."""

    CHECK_POSTURE = "check-posture"
    CLOSE_COST_HOURS = "close-cost-hours"
    COMPLETE_SLA_RUNS = "complete-sla-runs"
    COMPLETE_TRUST_BATCHES = "complete-trust-batches"
    EVALUATE_COMPLIANCE = "evaluate-compliance"
    FOLLOW_INCIDENTS = "follow-incidents"
    FOLLOW_UP_REVIEWS = "follow-up-reviews"
    LOOK_AT_BUDGETS = "look-at-budgets"
    PREPARE_QBR = "prepare-qbr"
    PRUNE_SIGN_INS = "prune-sign-ins"
    ROLL_UP_USAGE = "roll-up-usage"


round_standings = house_table(
    "round_standings",
    Column("round", Text, primary_key=True),
    instant("well_at", comment="when it last went through, to the minute"),
    instant("failed_at", comment="when it last failed"),
    Column("failures", BigInteger, nullable=False, comment="ever"),
    Column("error", Text, comment="code of the last failure"),
)
round_setbacks = house_table(
    "round_setbacks",
    Column("round", Text, primary_key=True),
    uuid_column("subject", primary_key=True),
    Column("failures", Integer, nullable=False, comment="one after the other"),
    instant("first_at", nullable=False),
    instant("last_at", nullable=False),
    instant("retry_at", nullable=False),
    Column("error", Text, nullable=False, comment="code of the last failure"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one round fares."""

    round: str
    well_at: datetime | None
    failed_at: datetime | None
    failures: int
    error: str | None

    @property
    def is_well(self) -> bool:
        """Whether it has gone through since it last failed."""
        return self.failed_at is None or (self.well_at is not None and self.well_at > self.failed_at)


@dataclass(frozen=True, slots=True)
class Setback:
    """A subject for which a round failed ``failures`` times running."""

    round: str
    subject: UUID
    failures: int
    first_at: datetime
    last_at: datetime
    retry_at: datetime
    error: str


class Rounds:
    """Keeps both tables. One for each process: it remembers what it need not note again."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._noted: dict[str, datetime] = {}

    async def went_well(self, name: str) -> None:
        """Noted once a minute, and at once after a failure."""
        now = self._storage.clock.now()
        noted = self._noted.get(name)
        if noted is not None and noted <= now < noted + NOTED_EVERY:
            return
        values = {"round": name, "well_at": now, "failures": 0}
        async with self._storage.write(_HOUSE) as session:
            await session.execute(
                insert(round_standings)
                .values(values)
                .on_conflict_do_update(index_elements=["round"], set_={"well_at": now})
            )
        self._noted[name] = now

    async def failed(self, name: str, error: Exception) -> None:
        """Counted; the next time it goes well is noted at once."""
        self._noted.pop(name, None)
        now, code = self._storage.clock.now(), code_of(error)
        row = insert(round_standings).values(round=name, failed_at=now, failures=1, error=code)
        async with self._storage.write(_HOUSE) as session:
            await session.execute(
                row.on_conflict_do_update(
                    index_elements=["round"],
                    set_={"failed_at": now, "failures": round_standings.c.failures + 1, "error": code},
                )
            )

    async def standings(self) -> tuple[Standing, ...]:
        """Every round that ever ran here, by name."""
        async with self._storage.read(_HOUSE) as session:
            rows = await session.execute(select(round_standings).order_by(round_standings.c.round))
            return tuple(Standing(**row) for row in rows.mappings())

    async def setbacks(self, name: str | None = None) -> tuple[Setback, ...]:
        """Who is set back, by round (all, or one), the longest first."""
        query = select(round_setbacks).order_by(round_setbacks.c.round, round_setbacks.c.first_at)
        if name is not None:
            query = query.where(round_setbacks.c.round == name)
        async with self._storage.read(_HOUSE) as session:
            return tuple(Setback(**row) for row in (await session.execute(query)).mappings())

    async def held_back(self, name: str) -> frozenset[UUID]:
        """Those whose next attempt is still to come."""
        now = self._storage.clock.now()
        return frozenset(each.subject for each in await self.setbacks(name) if each.retry_at > now)

    async def one_by_one(
        self, name: str, subjects: Sequence[UUID], do: Callable[[UUID], Awaitable[object]]
    ) -> int:
        """``do`` for each that is not held back; for how many it went well.

        Raises only what is nobody's own: ``Unavailable``.
        """
        known = await self.setbacks(name)
        held, troubled = _held(known, self._storage.clock.now()), {each.subject for each in known}
        done = 0
        for subject in subjects:
            if subject in held:
                continue
            try:
                await do(subject)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, it is this one's, and noted
                await self._set_back(name, subject, error)
                continue
            done += 1
            if subject in troubled:
                await self._recover(name, (subject,))
        return done

    async def together(
        self, name: str, subjects: Sequence[UUID], do: Callable[[Sequence[UUID]], Awaitable[int]]
    ) -> int:
        """``do`` for all at once that are not held back; the sum of what it gave.

        Where that fails it is done for one half and then the other, and so on, until the one for whom it
        fails stands alone; hence ``do`` can be repeated. Who was set back before is tried alone at once.
        """
        known = await self.setbacks(name)
        held, troubled = _held(known, self._storage.clock.now()), {each.subject for each in known}
        waiting = [[each] for each in subjects if each in troubled and each not in held]
        if rest := [each for each in subjects if each not in troubled]:
            waiting.append(rest)
        done = 0
        while waiting:
            some = waiting.pop()
            try:
                done += await do(some)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                if len(some) == 1:
                    await self._set_back(name, some[0], error)
                else:
                    half = len(some) // 2
                    waiting += [some[half:], some[:half]]
                continue
            if recovered := troubled.intersection(some):
                await self._recover(name, tuple(recovered))
        return done

    async def settle(self, name: str, waiting: Collection[UUID]) -> None:
        """Nothing waits for anybody but ``waiting``: whoever else was set back no longer is."""
        over = tuple(each.subject for each in await self.setbacks(name) if each.subject not in waiting)
        if over:
            await self._recover(name, over)

    async def _set_back(self, name: str, subject: UUID, error: Exception) -> None:
        now, code = self._storage.clock.now(), code_of(error)
        column = round_setbacks.c
        row = insert(round_setbacks).values(
            round=name, subject=subject, failures=1, first_at=now, last_at=now, retry_at=now, error=code
        )
        async with self._storage.write(_HOUSE) as session:
            failures = (
                await session.execute(
                    row.on_conflict_do_update(
                        index_elements=["round", "subject"],
                        set_={"failures": column.failures + 1, "last_at": now, "error": code},
                    ).returning(column.failures)
                )
            ).scalar_one()
            retry_at = now + _wait(failures, error)
            this = (column.round == name, column.subject == subject)
            await session.execute(update(round_setbacks).where(*this).values(retry_at=retry_at))
        level = logging.CRITICAL if isinstance(error, Broken) else logging.ERROR
        log.log(
            level,
            "%s: %s set back, failure %d, next attempt at %s",
            name,
            subject,
            failures,
            retry_at,
            exc_info=error,
        )

    async def _recover(self, name: str, subjects: Sequence[UUID]) -> None:
        column = round_setbacks.c
        async with self._storage.write(_HOUSE) as session:
            await session.execute(
                delete(round_setbacks).where(column.round == name, column.subject.in_(subjects))
            )
        log.warning("%s: goes on for %s", name, ", ".join(map(str, subjects)))


def code_of(error: Exception) -> str:
    """What may be written down of an error in a table that belongs to no tenant."""
    return error.code if isinstance(error, TrustPortalError) else type(error).__name__


def _held(known: Sequence[Setback], now: datetime) -> frozenset[UUID]:
    return frozenset(each.subject for each in known if each.retry_at > now)


def _wait(failures: int, error: Exception) -> timedelta:
    """An invariant that does not hold mends itself at no attempt."""
    if isinstance(error, Broken):
        return LONGEST_WAIT
    return min(FIRST_WAIT * (1 << min(failures - 1, 16)), LONGEST_WAIT)
