"""What siblings of one request ask alike is read once for all of them, and remembered for none that ask later.

A loader gathers what is asked before the event loop turns. Without a cache: what a mutation of the same document
changed is seen by what follows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from trust_portal.errors import NotFound, TrustPortalError
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.ledger import Receipt
from trust_portal.house import House
from trust_portal.kernel.actor import Actor
from trust_portal.reliability.reports.record import Head

#: Of a tenant, and which of its receipts.
_Filed: TypeAlias = tuple[UUID, UUID]
T = TypeVar("T")


class Loaders:
    """Made anew for each request; raise what the service raises, each for its own keys."""

    def __init__(self, house: House, actor: Actor) -> None:
        self._house = house
        self._actor = actor
        self.receipts: DataLoader[_Filed, Receipt] = DataLoader(self._receipts, cache=False)
        self.proofs: DataLoader[_Filed, TlogProof | None] = DataLoader(self._proofs, cache=False)
        self.signing_keys: DataLoader[_Filed, str | None] = DataLoader(self._signing_keys, cache=False)
        self.heads: DataLoader[UUID, tuple[Head, ...]] = DataLoader(self._heads, cache=False)

    async def _receipts(self, keys: Sequence[_Filed]) -> list[Receipt | BaseException]:
        async def of_tenant(tenant_id: UUID, ids: Sequence[UUID]) -> Mapping[UUID, Receipt]:
            return await self._house.archive.receipts_named(self._actor, tenant_id, ids)

        found = await _by_tenant(keys, of_tenant)
        return [found.get(key, NotFound("receipt")) for key in keys]

    async def _proofs(self, keys: Sequence[_Filed]) -> list[TlogProof | BaseException | None]:
        async def of_tenant(tenant_id: UUID, ids: Sequence[UUID]) -> Mapping[UUID, TlogProof]:
            return await self._house.archive.proofs(self._actor, tenant_id, ids)

        found = await _by_tenant(keys, of_tenant)
        return [found.get(key) for key in keys]

    async def _signing_keys(self, keys: Sequence[_Filed]) -> list[str | BaseException | None]:
        async def of_tenant(tenant_id: UUID, ids: Sequence[UUID]) -> Mapping[UUID, str]:
            return await self._house.archive.signing_keys(self._actor, tenant_id, ids)

        found = await _by_tenant(keys, of_tenant)
        return [found.get(key) for key in keys]

    async def _heads(self, keys: Sequence[UUID]) -> list[tuple[Head, ...] | BaseException]:
        found: dict[UUID, tuple[Head, ...] | BaseException] = {}
        for tenant_id in dict.fromkeys(keys):
            try:
                found[tenant_id] = await self._house.reports.heads(self._actor, tenant_id)
            except TrustPortalError as refusal:
                found[tenant_id] = refusal
        return [found[key] for key in keys]


async def _by_tenant(
    keys: Sequence[_Filed], read: Callable[[UUID, Sequence[UUID]], Awaitable[Mapping[UUID, T]]]
) -> dict[_Filed, T | BaseException]:
    """One read a tenant, one after another; where it is refused, the refusal for each of its keys."""
    ids: dict[UUID, dict[UUID, None]] = {}
    for tenant_id, each in keys:
        ids.setdefault(tenant_id, {})[each] = None
    found: dict[_Filed, T | BaseException] = {}
    for tenant_id, wanted in ids.items():
        try:
            read_now = await read(tenant_id, list(wanted))
        except TrustPortalError as refusal:
            found |= {(tenant_id, each): refusal for each in wanted}
        else:
            found |= {(tenant_id, each): value for each, value in read_now.items()}
    return found
