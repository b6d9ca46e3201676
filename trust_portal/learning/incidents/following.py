"""The register follows the facts, and every incident that was ever a P1 or P2 gets its postmortem.

Of each touched key everything is read and folded anew, so that order, repetition and grouping of what
came make no difference. May be stopped and repeated at any point, and run by several workers at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from trust_portal.access.people.model import Person
from trust_portal.access.people.repository import everybody_ever
from trust_portal.errors import Unavailable
from trust_portal.evidence.act import Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.facts.incident_touches import (
    incidents_touched,
    settle_incident_touches,
    split_touch,
    touches_of,
    waiting_touches,
)
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.merging import withdraw_what_goes_on_elsewhere
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.effects import severity_heard
from trust_portal.learning.incidents.facts_repository import (
    all_keys,
    downgrades_of,
    facts_about,
)
from trust_portal.learning.incidents.folding import fold, ids_in
from trust_portal.learning.incidents.model import Incident, IncidentFact, Register
from trust_portal.learning.incidents.naming import history_of
from trust_portal.learning.incidents.register_repository import note_followed, save_register
from trust_portal.learning.postmortems.opening import open_postmortem, without_postmortem
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

_VENDOR = TenantScope(VENDOR_ID)
_TOUCHES_AT_A_TIME = 200
#: Keys folded together when the register is made again.
_KEYS_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """``changed``: incidents that came out otherwise. ``unfounded``: ids in the register without a fact.

    ``actions``: prevention actions that stood otherwise than their steps say.
    """

    incidents: int
    changed: int
    unfounded: tuple[UUID, ...]
    actions: int = 0


class Following:
    """Keeps the register of incidents up to what was told."""

    def __init__(self, storage: Storage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger
        self._rounds = Rounds(storage)

    async def is_behind(self) -> bool:
        """Whether something was told that the register has not taken in, and that is not set back."""
        return bool(await self._waiting(1))

    async def ask_due(self) -> None:
        """For the clockwork: what a job missed, as it began before the facts were committed. A job waits only once."""
        if await self.is_behind():
            async with self._storage.write(TenantScope(VENDOR_ID)) as session:
                await session.enqueue(Job.FOLLOW_INCIDENTS, {}, dedupe_key=Job.FOLLOW_INCIDENTS.value)

    async def follow(self) -> int:
        """Take in everything that was told so far; how many keys that were.

        What cannot be taken in of one incident is set back, and waits; the others go on.
        """
        taken = 0
        while waiting := await self._waiting(_TOUCHES_AT_A_TIME):
            taken += await self._rounds.together(Round.FOLLOW_INCIDENTS, waiting, self._follow_some)
        if held := {each.subject for each in await self._rounds.setbacks(Round.FOLLOW_INCIDENTS)}:
            async with self._storage.read(_VENDOR) as session:
                touched = await incidents_touched(session, held)
            await self._rounds.settle(Round.FOLLOW_INCIDENTS, touched.touches)
        return taken

    async def rebuild(self) -> Rebuilt:
        """Make the register again from all facts, and sum up what came out otherwise.

        Portion by portion, each in a commit of its own: stopped and started again it comes to the same.
        """
        before = await self._rows()
        async with self._storage.read(_VENDOR) as session:
            keys = await all_keys(session)
        for start in range(0, len(keys), _KEYS_AT_A_TIME):
            async with self._storage.write(_VENDOR) as session:
                await repository.lock_register(session)
                await self.take_in(session, keys[start : start + _KEYS_AT_A_TIME], SYSTEM)
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            await note_followed(session, rebuilt=True)
        after = await self._rows()
        changed = sum(1 for name, each in after.items() if before.get(name) != each)
        return Rebuilt(len(after), changed, tuple(sorted(before.keys() - after.keys())))

    async def _rows(self) -> dict[UUID, Incident]:
        async with self._storage.read(_VENDOR, snapshot=True) as session:
            found = await repository.incidents_of_keys(session, await all_keys(session))
        return {each.id: each for each in found}

    async def take_in(self, session: WriteSession, keys: Collection[str], actor: Actor) -> Register:
        """Fold everything of ``keys`` into the register. The caller holds it (``lock_register``)."""
        told = await facts_about(session, keys)
        register = await _fold(session, told)
        await save_register(session, {fact.subject for fact in told}, register)
        for incident in await without_postmortem(session, register.incidents):
            await open_postmortem(session, self._ledger, incident, _grounds(incident, told), actor)
        await withdraw_what_goes_on_elsewhere(session, self._ledger, register.incidents)
        return register

    async def take_in_told(self, session: WriteSession, key: str, actor: Actor) -> Register:
        """``take_in`` for who has just told something of ``key`` in this transaction: of that nothing waits then."""
        touched = await touches_of(session, key)
        register = await self.take_in(session, [key], actor)
        await settle_incident_touches(session, touched)
        return register

    async def _waiting(self, limit: int) -> tuple[UUID, ...]:
        held = await self._rounds.held_back(Round.FOLLOW_INCIDENTS)
        async with self._storage.read(_VENDOR) as session:
            return await waiting_touches(session, limit, without=held)

    async def _follow_some(self, touches: Sequence[UUID]) -> int:
        try:
            return len(await self._take_touches(touches))
        except Unavailable:
            raise
        except Exception:
            if len(touches) > 1 or not await self._split(touches[0]):
                raise
            return 0  # each incident that it named is taken in by itself next

    async def _take_touches(self, touches: Sequence[UUID]) -> frozenset[str]:
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            touched = await incidents_touched(session, touches)
            if touched.keys:
                await self.take_in(session, touched.keys, SYSTEM)
                await settle_incident_touches(session, touched)
                await note_followed(session)
        return touched.keys

    async def _split(self, touch: UUID) -> bool:
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            return await split_touch(session, touch)


async def _fold(session: ReadSession, told: Iterable[IncidentFact]) -> Register:
    told = tuple(told)
    ids = ids_in(told)
    return fold(
        told,
        await downgrades_of(session, ids),
        await _people(session),
    )


async def _people(session: ReadSession) -> dict[str, UUID]:
    """The vendor's people by address, and by name where it is one person's alone, or of one who is not suspended.

    Who is suspended goes on to be the owner that was told, until somebody says another.
    """
    people = await everybody_ever(session, VENDOR_ID)
    everybody, active = _by_name(people), _by_name(person for person in people if person.active)
    return everybody | active | {person.email.lower(): person.id for person in people}


def _by_name(people: Iterable[Person]) -> dict[str, UUID]:
    """Without names that several bear."""
    named: dict[str, list[UUID]] = {}
    for person in people:
        named.setdefault(person.name.strip().lower(), []).append(person.id)
    return {name: ids[0] for name, ids in named.items() if len(ids) == 1}


def _grounds(incident: Incident, told: Iterable[IncidentFact]) -> tuple[Input, ...]:
    """The events that say how bad it is."""
    history = history_of(
        (fact for fact in told if fact.subject == incident.key), (incident.source, incident.key)
    )
    return tuple(
        Input(f"event/{fact.source}/{fact.origin.event_id}", fact.origin.digest.hex())
        for fact in severity_heard(history, incident.source)
        if fact.body.get("severity") == incident.worst_severity.value
    )
