"""The sequencer beside a test, as it runs beside every house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trust_portal.evidence.key_register import register_keys
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.house import House


@asynccontextmanager
async def sequencing(house: House) -> AsyncIterator[None]:
    """Receipts are integrated while the block lasts; the keys are on record before it begins."""
    await register_keys(house.storage, house.keyring)
    stop = asyncio.Event()
    task = asyncio.create_task(run_sequencer(house.storage, house.keyring, stop, host=house.settings.host))
    try:
        yield
    finally:
        stop.set()
        await task
