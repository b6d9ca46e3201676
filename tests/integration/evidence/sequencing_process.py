"""A sequencer in a process of its own, for tests that kill it: ``URL KEY_FILE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from trust_portal.evidence.keyring import load_keyring
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.storage.engine import create_engine
from trust_portal.storage.unit_of_work import Storage


async def main(url: str, key_file: str) -> None:
    storage = Storage(create_engine(url, pool_size=3))
    await run_sequencer(storage, load_keyring(Path(key_file)), asyncio.Event(), host="portal.example")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
