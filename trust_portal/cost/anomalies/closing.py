"""The close of an hour: every tenant's series go through the detector, batch by batch.

A batch is one commit for all tenants of which there is nothing to tell, and one commit each for
those with an anomaly, whose receipt belongs to their own log. Every step can be repeated: a tenant
that was closed is not due any more, one whose usage changed meanwhile stays due. After downtime
the same steps go through all the hours that were missed; late usage takes its tenant back to the
memory before it, and forward again over the same hours.

A tenant whose close fails is set back (``storage/rounds.py``) and the others are closed without it. One whose
usage cannot be taken in is not closed at all meanwhile: its hours would look cheaper than they were.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from trust_portal.cost.anomalies import states
from trust_portal.cost.anomalies.flags_model import FlagBook
from trust_portal.cost.anomalies.flags_repository import flag_revisions
from trust_portal.cost.anomalies.model import Lane
from trust_portal.cost.anomalies.recording import Recorder
from trust_portal.cost.anomalies.states import Close, ClosingScope, Memory
from trust_portal.cost.anomalies.suppressions_model import Suppression, covering
from trust_portal.cost.anomalies.suppressions_repository import suppressions_of
from trust_portal.cost.anomalies.thresholds_model import ThresholdBook
from trust_portal.cost.anomalies.thresholds_repository import threshold_revisions
from trust_portal.cost.anomalies.watching import HOUR, Watch, Watched, watch
from trust_portal.cost.budgets.model import BudgetBook
from trust_portal.cost.budgets.repository import budget_revisions
from trust_portal.cost.detection.versions import Version
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.metering.model import Progress, Series
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

log = logging.getLogger(__name__)

#: Tenants closed together: two thousand series are a few milliseconds of detection an hour.
_TENANTS_AT_A_TIME = 500
#: Hours of tenants held in memory together when history is gone through.
_TENANT_HOURS_AT_A_TIME = 50_000
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Books:
    """What people set that bears on a close."""

    thresholds: ThresholdBook
    budgets: BudgetBook
    suppressions: tuple[Suppression, ...]
    flags: FlagBook


class Pair(NamedTuple):
    """The detectors that watch some tenants."""

    live: Version
    shadow: Version | None

    @property
    def names(self) -> tuple[str, str | None]:
        return str(self.live.detector), None if self.shadow is None else str(self.shadow.detector)


class Closing:
    """``grace`` is how long after its end an hour waits for late usage before it is closed."""

    def __init__(self, storage: Storage, ledger: Ledger, *, grace: timedelta) -> None:
        self._storage = storage
        self._ledger = ledger
        self._grace = grace
        self._rounds = Rounds(storage)

    def last_hour(self) -> datetime:
        """The start of the last hour that may be closed now."""
        return hour_of(self._storage.clock.now() - self._grace) - HOUR

    async def is_due(self) -> bool:
        held = await self._held()
        async with self._storage.read(StaffScope()) as session:
            found = await states.due(session, self.last_hour(), _FIRST, 1 + len(held))
        return any(each.tenant_id not in held for each in found)

    async def ask_due(self) -> None:
        """For the clockwork: have what is due closed. A job waits only once."""
        if await self.is_due():
            async with self._storage.write(TenantScope(VENDOR_ID)) as session:
                await session.enqueue(Job.CLOSE_COST_HOURS, {}, dedupe_key=Job.CLOSE_COST_HOURS.value)

    async def close_due(self) -> int:
        """Close what is due, once through all tenants; how many were closed."""
        through, after, done = self.last_hour(), _FIRST, 0
        held, waiting = await self._held(), set[UUID]()
        while True:
            async with self._storage.read(StaffScope()) as session:
                batch = await states.due(session, through, after, _TENANTS_AT_A_TIME)
            if not batch:
                await self._rounds.settle(Round.CLOSE_COST_HOURS, waiting)
                return done
            after = batch[-1].tenant_id
            due = [each.tenant_id for each in batch]
            waiting.update(due)

            done += await self._rounds.together(
                Round.CLOSE_COST_HOURS,
                [each for each in due if each not in held],
                partial(self._close_some, through),
            )

    async def _held(self) -> frozenset[UUID]:
        rolled_up = {each.subject for each in await self._rounds.setbacks(Round.ROLL_UP_USAGE)}
        return await self._rounds.held_back(Round.CLOSE_COST_HOURS) | rolled_up

    async def _close_some(self, through: datetime, tenant_ids: Sequence[UUID]) -> int:
        async with self._storage.read(StaffScope()) as session:
            batch = await states.due_of(session, through, tenant_ids)
            books = await _books(session, [each.tenant_id for each in batch])
        done = 0
        for pair, some in _by_detectors(batch, books):
            done += await self._close(some, through, books, pair)
        return done

    async def _close(self, batch: Sequence[Progress], through: datetime, books: Books, pair: Pair) -> int:
        """``batch`` is watched by the same detectors."""
        tenant_ids = [each.tenant_id for each in batch]
        async with self._storage.read(StaffScope()) as session:
            memories = await states.memories(session, tenant_ids, Lane.LIVE, str(pair.live.detector))
            trial: dict[UUID, Memory] = {}
            if pair.shadow is not None:
                trial = await states.memories(session, tenant_ids, Lane.SHADOW, str(pair.shadow.detector))
        done = 0
        for start, group in _by_start(batch, memories):
            # A tenant that was offboarded or is dirty may be ahead of everybody else.
            last = max(through, *(each.closed_through or through for each in group))
            hours = max(1, int((last - start) / HOUR))
            at_a_time = max(1, _TENANT_HOURS_AT_A_TIME // hours)
            for at in range(0, len(group), at_a_time):
                done += await self._close_together(
                    group[at : at + at_a_time], memories, trial, books, pair, start, last
                )
        return done

    async def _close_together(
        self,
        group: Sequence[Progress],
        memories: dict[UUID, Memory],
        trial: dict[UUID, Memory],
        books: Books,
        pair: Pair,
        start: datetime,
        through: datetime,
    ) -> int:
        tenant_ids = [each.tenant_id for each in group]
        async with self._storage.read(StaffScope()) as session:
            costs = await states.costs(session, tenant_ids, start, through)
            concerned = await states.concerned(session, tenant_ids, start)
        watched = [
            Watched(
                tenant_id=each.tenant_id,
                start=start,
                memories=memories[each.tenant_id].series if each.tenant_id in memories else {},
                costs=costs[each.tenant_id],
                **_what_holds(books, each.tenant_id),
            )
            for each in group
        ]
        # Hours of history keep the processor for seconds; the worker's other rounds go on meanwhile.
        watches = await asyncio.to_thread(watch, watched, through, pair.live, states.anchors(through))
        shadows: Sequence[Watch | None] = [None] * len(group)
        if pair.shadow is not None:
            # It begins with nothing where it has not stood beside the live one so far.
            beside = [replace(each, memories=_at(trial, each)) for each in watched]
            shadows = await asyncio.to_thread(watch, beside, through, pair.shadow, states.anchors(through))
        closes = [
            Close(each.tenant_id, each.revision, start, through, _is_redone(each, start), seen, shadow)
            if (closed := _closed_by_another(each, memories)) is None
            else Close(each.tenant_id, each.revision, closed, through, False, _after(closed, seen), shadow)
            for each, seen, shadow in zip(group, watches, shadows, strict=True)
        ]
        told = [each for each in closes if _tells(each) or each.tenant_id in concerned]
        quiet = [each for each in closes if not _tells(each) and each.tenant_id not in concerned]
        done = 0
        if quiet:
            async with self._storage.write(ClosingScope()) as writing:
                done += len(await states.save(writing, *pair.names, quiet))
        progress = {each.tenant_id: each for each in group}
        for close in told:
            quiet_until = _spoken_of(progress[close.tenant_id], memories, books)
            done += await self._close_and_tell(close, books, pair, quiet_until)
        return done

    async def _close_and_tell(
        self, close: Close, books: Books, pair: Pair, quiet_until: datetime | None
    ) -> bool:
        def evidence(series: Series, hour: datetime) -> dict[str, Any]:
            held = books.thresholds.effective(close.tenant_id, series.subsystem, hour + HOUR)
            budget = books.budgets.per_hour(close.tenant_id, series.subsystem, series.currency, hour)
            return {
                "thresholds": {name: f"{value:g}" for name, value in asdict(held).items()},
                "budget_per_hour": None if budget is None else f"{budget:.6f}",
            }

        def suppressed(series: Series, hour: datetime) -> UUID | None:
            return covering(books.suppressions, close.tenant_id, series.subsystem, hour)

        async with self._storage.write(TenantScope(close.tenant_id)) as session:
            if not await states.save(session, *pair.names, [close]):
                return False
            await Recorder(session, self._ledger, close.tenant_id, Lane.LIVE).record(
                close.watch.sightings,
                close.start,
                evidence=evidence,
                suppressed=suppressed,
                quiet_until=quiet_until,
            )
            if close.shadow is not None:
                await Recorder(session, self._ledger, close.tenant_id, Lane.SHADOW).record(
                    close.shadow.sightings,
                    close.start,
                    evidence=evidence,
                    suppressed=suppressed,
                    quiet_until=quiet_until,
                )
        return True


async def _books(session: ReadSession, tenant_ids: Sequence[UUID]) -> Books:
    owners = [*tenant_ids, VENDOR_ID]
    return Books(
        ThresholdBook(await threshold_revisions(session, owners)),
        BudgetBook(await budget_revisions(session, tenant_ids)),
        await suppressions_of(session, owners),
        FlagBook(await flag_revisions(session, owners)),
    )


def _by_detectors(batch: Iterable[Progress], books: Books) -> list[tuple[Pair, list[Progress]]]:
    """Tenants by what watches them; mostly all of them are watched by the same."""
    groups: dict[Pair, list[Progress]] = {}
    for each in batch:
        held = books.flags.detectors(each.tenant_id)
        groups.setdefault(Pair(held.live, held.shadow), []).append(each)
    return list(groups.items())


def _at(trial: dict[UUID, Memory], watched: Watched) -> Mapping[Series, bytes]:
    """The memory of the detector on trial, if it stands where the live one does."""
    memory = trial.get(watched.tenant_id)
    return memory.series if memory is not None and memory.through == watched.start else {}


def _tells(close: Close) -> bool:
    return bool(close.watch.sightings or (close.shadow is not None and close.shadow.sightings))


def _what_holds(books: Books, tenant_id: UUID) -> dict[str, Any]:
    """For ``Watched``: what is known at the end of an hour holds for it."""
    moments = books.thresholds.changes(tenant_id) | books.budgets.changes(tenant_id)
    return {
        "thresholds": lambda series, hour: books.thresholds.effective(
            tenant_id, series.subsystem, hour + HOUR
        ),
        "budget": lambda series, hour: books.budgets.per_hour(
            tenant_id, series.subsystem, series.currency, hour
        ),
        "changes": frozenset(hour_of(moment) for moment in moments),
    }


def _by_start(
    batch: Iterable[Progress], memories: dict[UUID, Memory]
) -> Iterator[tuple[datetime, list[Progress]]]:
    """Tenants by the hour that their memory ends with, for those go through the detector together."""
    groups: dict[datetime, list[Progress]] = {}
    for each in batch:
        memory = memories.get(each.tenant_id)
        start = each.first_hour - HOUR if memory is None else memory.through
        groups.setdefault(start, []).append(each)
    yield from sorted(groups.items())


def _closed_by_another(progress: Progress, memories: dict[UUID, Memory]) -> datetime | None:
    """The last hour that another detector closed, where this one has no memory of its own.

    It goes through all hours to know the tenant, and what was said of them stands.
    """
    fresh = progress.tenant_id not in memories and progress.dirty_from is None
    return progress.closed_through if fresh else None


def _spoken_of(progress: Progress, memories: dict[UUID, Memory], books: Books) -> datetime | None:
    """Until when nothing new is opened: another detector has spoken of those hours."""
    closed = _closed_by_another(progress, memories)
    if closed is not None or progress.tenant_id in memories:
        return closed
    # What came late took it back to the first hour, also to those that were another detector's.
    switched = books.flags.changed_at(progress.tenant_id)
    return None if switched is None else hour_of(switched) - HOUR


def _after(closed: datetime, seen: Watch) -> Watch:
    """Without what was expected of hours that are closed."""
    return replace(seen, expected=[each for each in seen.expected if each[0] > closed])


def _is_redone(progress: Progress, start: datetime) -> bool:
    return progress.closed_through is not None and progress.closed_through > start
