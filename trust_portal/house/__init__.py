"""The composition root: settings → engine → services, once per process.

Every door (portal, GraphQL, jobs, commands) is handed one ``House`` and reaches nothing else. Each room
has a module here, which names its services and wires them from those of the rooms below.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import RedisError

from trust_portal.documents.press import process_press
from trust_portal.errors import InvalidInput, Unavailable
from trust_portal.evidence.audit import Auditor
from trust_portal.evidence.key_register import keys_in_force, register_keys
from trust_portal.house import learning, reliability, trust
from trust_portal.house.access import AUDITORS as ACCESS_AUDITORS
from trust_portal.house.access import AccessRoom, access_room
from trust_portal.house.cost import CostRoom, cost_room
from trust_portal.house.facts import FactsRoom, facts_room
from trust_portal.house.foundation import Foundation, lay_foundation
from trust_portal.house.learning import LearningRoom, learning_room
from trust_portal.house.notify import NotifyRoom, notify_room
from trust_portal.house.reliability import ReliabilityRoom, reliability_room
from trust_portal.house.trust import TrustRoom, trust_room
from trust_portal.kernel.clock import Clock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope

#: Who compares stored documents with the receipts they were issued by, and decisions with what was signed.
AUDITORS: tuple[Auditor, ...] = (
    *ACCESS_AUDITORS,
    *reliability.AUDITORS,
    *learning.AUDITORS,
    *trust.AUDITORS,
)


@dataclass(frozen=True)
class House(
    TrustRoom, LearningRoom, ReliabilityRoom, CostRoom, FactsRoom, NotifyRoom, AccessRoom, Foundation
):
    """The services of every room of one process, wired. ``close`` ends what they hold open."""

    @property
    def auditors(self) -> tuple[Auditor, ...]:
        """For ``trust-portal audit``."""
        return AUDITORS

    @property
    def readiness(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What must answer before this process can serve; each raises ``Unavailable`` if it does not."""
        return {"database": self.storage.ping, "queue": self._ping_queue, "keys": self._know_keys}

    async def open(self) -> None:
        """What a process that serves or works does first: keys, then policies and roles, are put on record.

        In this order, so that nothing is ever signed by a key the database does not know. Raises
        ``InvalidInput`` (field ``KEY_FILE``) where it knows other keys than the file holds.
        """
        await register_keys(self.storage, self.keyring)
        await self.policies.install()
        await self.people.complete_roles()

    async def close(self) -> None:
        if self.oidc is not None:
            await self.oidc.close()
        await self.control.close()
        await self.prometheus.close()
        await self.ledger.close()
        await self.storage.close()

    async def _know_keys(self) -> None:
        async with self.storage.read(TenantScope(VENDOR_ID)) as session:
            known = await keys_in_force(session)
        try:
            self.keyring.follow(known)
        except InvalidInput as error:
            raise Unavailable(error.message) from error
        if not known:
            raise Unavailable("the signing keys are not on record yet")

    async def _ping_queue(self) -> None:
        client = redis.asyncio.from_url(  # type: ignore[no-untyped-call]
            self.settings.redis_url, socket_timeout=2, socket_connect_timeout=2
        )
        try:
            await client.ping()
        except (RedisError, OSError) as error:
            raise Unavailable("the queue server does not answer") from error
        finally:
            await client.aclose()


def build_house(settings: Settings, clock: Clock | None = None) -> House:
    """Wire the services. Opens no connection; makes the key file on a first start."""
    press = process_press()
    documents = {**reliability.renderers(press), **learning.renderers(press), **trust.renderers(press)}
    base = lay_foundation(settings, clock, press, documents)
    access = access_room(base, learning.NAMED)
    facts = facts_room(base)
    return House(
        **vars(base),
        **vars(access),
        **vars(notify_room(base)),
        **vars(facts),
        **vars(cost_room(base, access, facts)),
        **vars(reliability_room(base, access)),
        **vars(learning_room(base, access)),
        **vars(trust_room(base, access, AUDITORS)),
    )


@asynccontextmanager
async def open_house(settings: Settings, clock: Clock | None = None) -> AsyncIterator[House]:
    """``build_house`` for as long as the block lasts."""
    house = build_house(settings, clock)
    try:
        yield house
    finally:
        await house.close()
