"""A key service that is waited for so long and no longer.

It is asked in no transaction, so whoever waits for it holds up nobody else; but somebody waits: one that does not
answer is an error that says so, and nothing was stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from trust_portal.errors import Unavailable
from trust_portal.evidence.sealing.key_service import KeyService

#: For one call. A service in another place answers within a fraction of it.
PATIENCE: Final = timedelta(seconds=5)

_T = TypeVar("_T")


class Patient:
    """``service``, each call of which ends within ``patience``: ``Unavailable`` (KEY_SERVICE_SILENT) otherwise."""

    def __init__(self, service: KeyService, patience: timedelta = PATIENCE) -> None:
        self._service = service
        self._patience = patience

    async def create(self, tenant_id: UUID) -> tuple[str, bytes]:
        return await self._within("make a key", self._service.create(tenant_id))

    async def wrap(self, key_id: str, data_key: bytes, context: bytes) -> bytes:
        return await self._within("wrap", self._service.wrap(key_id, data_key, context))

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        return await self._within("unwrap", self._service.unwrap(key_id, wrapped, context))

    async def prove(self, key_id: str, statement: bytes) -> bytes:
        return await self._within("prove", self._service.prove(key_id, statement))

    async def _within(self, what: str, answer: Coroutine[Any, Any, _T]) -> _T:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await answer
        except TimeoutError as error:
            raise Unavailable(
                f"the key service was asked to {what} and did not answer within "
                f"{self._patience.total_seconds():g} s; nothing was stored, try again",
                code="KEY_SERVICE_SILENT",
            ) from error
