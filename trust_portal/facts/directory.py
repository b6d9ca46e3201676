"""External tenant keys, as events name them, to tenant ids."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.repository import tenants_by_key
from trust_portal.storage.tenancy import IntakeScope
from trust_portal.storage.unit_of_work import Storage

#: How long an offboarded tenant's events may still be taken in.
_FRESH_SECONDS: Final = 15.0


class TenantDirectory:
    """Remembers keys it has seen; asks the database for the others, so a new tenant works at once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: dict[str, UUID] = {}
        self._forget_at = 0.0

    async def resolve(self, keys: Collection[str]) -> Mapping[str, UUID]:
        """The ids of those ``keys`` that are active tenants."""
        now = time.monotonic()
        if now >= self._forget_at:
            self._known.clear()
            self._forget_at = now + _FRESH_SECONDS
        unseen = [key for key in keys if key not in self._known]
        if unseen:
            async with self._storage.read(IntakeScope()) as session:
                self._known.update(await tenants_by_key(session, unseen))
        return {key: self._known[key] for key in keys if key in self._known}
