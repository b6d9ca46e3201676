"""Waiting with an end: what takes too long becomes an error in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trust_portal.errors import Unavailable


@asynccontextmanager
async def patience(seconds: float, what: str) -> AsyncIterator[None]:
    """The block may take ``seconds``; longer raises ``Unavailable`` naming ``what``."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{what} did not finish within {seconds:.0f} s", code="TOOK_TOO_LONG") from error
