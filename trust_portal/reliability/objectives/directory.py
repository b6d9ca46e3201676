"""Which objectives measurements may name so that something is counted."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.objectives.repository import defined
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage


class DefinedObjectives:
    """Remembers what it found, because a definition is never taken away; asks the database for the rest."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: set[tuple[UUID, str]] = set()

    async def missing(self, named: Collection[tuple[UUID, str]]) -> frozenset[tuple[UUID, str]]:
        """Those of ``named`` (tenant, key) that neither the tenant nor the vendor has a definition of."""
        unseen = {each for each in named if not self._is_known(*each)}
        if unseen:
            asked = unseen | {(VENDOR_ID, key) for _, key in unseen}
            async with self._storage.read(StaffScope()) as session:
                self._known |= await defined(session, asked)
        return frozenset(each for each in unseen if not self._is_known(*each))

    def _is_known(self, tenant_id: UUID, key: str) -> bool:
        return (tenant_id, key) in self._known or (VENDOR_ID, key) in self._known
