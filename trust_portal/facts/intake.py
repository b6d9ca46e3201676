"""The one door: every event, whoever brings it, is stored through ``Intake.deliver``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Final

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tokens.model import Admission
from trust_portal.errors import Unavailable
from trust_portal.facts.directory import TenantDirectory
from trust_portal.facts.events import SliMeasured
from trust_portal.facts.outcome import MAX_MEASURED, Measured, Outcome, RejectionCode
from trust_portal.facts.owning import check_source, owner, tenants_named
from trust_portal.facts.rate import RateLimit
from trust_portal.facts.reading import ReadEvent, read_event
from trust_portal.facts.refusal import BadEvent
from trust_portal.facts.rows import Owned
from trust_portal.facts.storing import Staged, stage, store
from trust_portal.kernel.clock import Clock
from trust_portal.storage.tenancy import IntakeScope
from trust_portal.storage.unit_of_work import Storage

#: Events read between two looks at the event loop: less than a millisecond.
_READ_AT_A_TIME: Final = 100


class Intake:
    """Reads, checks and stores deliveries of events; each chunk is one transaction."""

    def __init__(self, storage: Storage, gate: Gate, clock: Clock, *, events_per_minute: int = 0) -> None:
        self._storage = storage
        self._gate = gate
        self._clock = clock
        self._directory = TenantDirectory(storage)
        self.rate = RateLimit(events_per_minute)

    async def authorize(self, sender: Admission) -> None:
        """Raises ``Denied`` for an actor that may not bring events at all."""
        await self._gate.require(sender.actor, Action.FACTS_INGEST, Resource.of_house("event"))

    async def deliver(self, chunks: AsyncIterable[Sequence[bytes]], sender: Admission) -> Outcome:
        """Stores what is sound and new of raw events (JSON texts), chunk after chunk.

        While the database stores one chunk the next is read. What the outcome counts as accepted
        is committed; a chunk the database could not take is rejected as ``UNAVAILABLE``, event by
        event. Raises ``Denied`` before anything is read, ``Unavailable`` when nothing at all could
        be stored, and lets errors of ``chunks`` through after the chunks before them are stored.
        """
        await self.authorize(sender)
        outcome = Outcome()
        index = 0
        storing: asyncio.Task[None] | None = None
        try:
            async for chunk in chunks:
                sound = await self._read(chunk, index, sender, outcome)
                staged = stage(await self._owned(sound, sender, outcome))
                index += len(chunk)
                if storing is not None:
                    await storing
                storing = asyncio.create_task(self._store(staged, outcome))
        finally:
            if storing is not None:
                await storing
        outcome.rejected.sort(key=lambda rejection: rejection.index)
        if outcome.only(frozenset({RejectionCode.UNAVAILABLE})):
            raise Unavailable("the events could not be stored; nothing was, send them again")
        return outcome

    async def _read(
        self, chunk: Sequence[bytes], first: int, sender: Admission, outcome: Outcome
    ) -> list[ReadEvent]:
        now = self._clock.now()
        sound: list[ReadEvent] = []
        covered: set[str] = set()
        for start in range(0, len(chunk), _READ_AT_A_TIME):
            for offset, raw in enumerate(chunk[start : start + _READ_AT_A_TIME], start=start):
                try:
                    read = read_event(raw, first + offset, now)
                    if read.event.source not in covered:
                        check_source(read.event.source, sender.bounds)
                        covered.add(read.event.source)
                except BadEvent as bad:
                    outcome.reject(bad.rejection(first + offset))
                else:
                    sound.append(read)
            await asyncio.sleep(0)
        return sound

    async def _owned(self, events: list[ReadEvent], sender: Admission, outcome: Outcome) -> list[Owned]:
        try:
            directory = await self._directory.resolve(tenants_named(events))
        except Unavailable as error:
            _reject_unavailable(outcome, events, error)
            return []
        owned: list[Owned] = []
        for read in events:
            try:
                owned.append(owner(read, directory, sender.bounds))
            except BadEvent as bad:
                _reject(outcome, read, bad)
        _note_measured(owned, outcome)
        return owned

    async def _store(self, staged: Staged, outcome: Outcome) -> None:
        if not staged.owned:
            return
        try:
            async with self._storage.write(IntakeScope()) as session:
                known = await store(session, staged, self._clock.now())
        except Unavailable as error:
            _reject_unavailable(outcome, [each.read for each in staged.owned], error)
        else:
            _judge(staged, known, outcome)


def _judge(staged: Staged, known: Mapping[bytes, bytes], outcome: Outcome) -> None:
    """Accepted, duplicate or conflict: each event against the digest its key now stands for."""
    if not known and len(staged.first) == len(staged.owned):
        outcome.accepted += len(staged.owned)
        return
    for event in staged.owned:
        read = event.read
        first = staged.first[read.key]
        digest = known.get(read.key)
        if digest is None and event is first:
            outcome.accepted += 1
        elif read.digest[:16] == (first.read.digest[:16] if digest is None else digest):
            outcome.duplicates += 1
        else:
            message = (
                "this source and id were received before with different content; a new fact needs a new id"
            )
            _reject(outcome, read, BadEvent(RejectionCode.CONFLICT, message, "$.id"))


def _note_measured(owned: Sequence[Owned], outcome: Outcome) -> None:
    seen = {
        (each.tenant_id, each.read.event.data.tenant, each.read.event.data.objective)
        for each in owned
        if isinstance(each.read.event, SliMeasured)
    }
    for named in sorted(seen):
        if len(outcome.measured) < MAX_MEASURED:
            outcome.measured.add(Measured(*named))


def _reject_unavailable(outcome: Outcome, events: Sequence[ReadEvent], error: Unavailable) -> None:
    for read in events:
        _reject(outcome, read, BadEvent(RejectionCode.UNAVAILABLE, error.message, None))


def _reject(outcome: Outcome, read: ReadEvent, bad: BadEvent) -> None:
    bad.event_id = read.event.id
    outcome.reject(bad.rejection(read.index))
