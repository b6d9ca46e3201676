"""Due dates in people's own calendars: a file for who is signed in, and a link that a calendar follows by itself.

The link is a capability: whoever has it reads the titles and days of one person's open actions, and nothing
else. Only the SHA-256 of its secret is stored; a new link ends the old one.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import find_active_person
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.canonical import Json, digest, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.actions.ics import due_dates
from trust_portal.learning.actions.model import NOUN
from trust_portal.learning.actions.repository import open_actions
from trust_portal.learning.actions.tables import calendar_feeds
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_SCOPE: Final = TenantScope(VENDOR_ID)
_FEEDS: Final = calendar_feeds.c
_BYTES: Final = 32


class CalendarFeeds:
    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, base_url: str) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._base_url = base_url.rstrip("/")

    async def file(self, actor: Actor, owner_id: UUID | None = None) -> bytes:
        """The open due dates of ``owner_id``, or of everybody."""
        await self._gate.require(actor, Action.PREVENTION_ACTION_READ, Resource.of_house(NOUN))
        return await self._file(owner_id, "Prevention actions")

    async def has_link(self, actor: Actor) -> bool:
        async with self._storage.read(_SCOPE) as session:
            query = select(_FEEDS.person_id).where(
                _FEEDS.tenant_id == VENDOR_ID, _FEEDS.person_id == person_behind(actor)
            )
            return (await session.execute(query)).first() is not None

    async def make_link(self, actor: Actor) -> str:
        """The address, which is shown this once; the link before it ends."""
        decision = await self._gate.require(actor, Action.PREVENTION_ACTION_READ, Resource.of_house(NOUN))
        secret, receipt_id = secrets.token_urlsafe(_BYTES), new_id()
        async with self._storage.write(_SCOPE) as session:
            await self._receipt(session, ReceiptKind.CALENDAR_FEED_CREATED, actor, decision, receipt_id)
            statement = insert(calendar_feeds).values(
                tenant_id=VENDOR_ID,
                person_id=person_behind(actor),
                sha256=sha256_hex(secret.encode()),
                made_at=session.clock.now(),
                receipt_id=receipt_id,
            )
            new = statement.excluded
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=["tenant_id", "person_id"],
                    set_={"sha256": new.sha256, "made_at": new.made_at, "receipt_id": new.receipt_id},
                )
            )
        return f"{self._base_url}/calendars/{secret}.ics"

    async def revoke_link(self, actor: Actor) -> None:
        """Ending one's own takes no right but to be there: who lost their roles does it too. A token needs its scope.

        ``Conflict`` (NO_LINK) where there is none.
        """
        decision = None
        if actor.kind is not ActorKind.PERSON:
            decision = await self._gate.require(actor, Action.PREVENTION_ACTION_READ, Resource.of_house(NOUN))
        async with self._storage.write(_SCOPE) as session:
            gone = await session.execute(
                delete(calendar_feeds)
                .where(_FEEDS.tenant_id == VENDOR_ID, _FEEDS.person_id == person_behind(actor))
                .returning(_FEEDS.person_id)
            )
            if gone.first() is None:
                raise Conflict("there is no link to end", code="NO_LINK")
            await self._receipt(session, ReceiptKind.CALENDAR_FEED_REVOKED, actor, decision, new_id())

    async def follow(self, secret: str) -> bytes:
        """What a calendar reads; ``NotFound`` for a link that is none, was ended, or whose person has left or may
        read no actions any more.
        """
        async with self._storage.read(_SCOPE) as session:
            query = select(_FEEDS.person_id).where(
                _FEEDS.tenant_id == VENDOR_ID, _FEEDS.sha256 == sha256_hex(secret.encode())
            )
            person_id: UUID | None = (await session.execute(query)).scalar_one_or_none()
            now = self._storage.clock.now()
            person = (
                None if person_id is None else await find_active_person(session, VENDOR_ID, person_id, now)
            )
        if person is None or not self._gate.allows(
            person.as_actor(), Action.PREVENTION_ACTION_READ, Resource.of_house(NOUN)
        ):
            raise NotFound("calendar")
        return await self._file(person.id, f"Prevention actions of {person.name}")

    async def _file(self, owner_id: UUID | None, name: str) -> bytes:
        async with self._storage.read(_SCOPE) as session:
            return due_dates(await open_actions(session, owner_id), name=name, base_url=self._base_url)

    async def _receipt(
        self,
        session: WriteSession,
        kind: ReceiptKind,
        actor: Actor,
        decision: Decision | None,
        receipt_id: UUID,
    ) -> None:
        person_id = person_behind(actor)
        result: dict[str, Json] = {"person": str(person_id)}
        act = Act(
            kind=kind,
            tenant_id=VENDOR_ID,
            actor=actor,
            at=session.clock.now(),
            subjects=(Subject(f"calendar_feed/{person_id}", digest(result)),),
            predicate=result,
            policies=() if decision is None else decision.policies,
            policy_version=None if decision is None else decision.version,
        )
        await self._ledger.record(session, act, receipt_id=receipt_id)
