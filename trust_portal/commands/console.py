"""What the commands share: the house, open for as long as one command works in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from trust_portal.house import House, open_house
from trust_portal.settings import load_settings


def in_house(work: Callable[[House], Awaitable[None]]) -> None:
    """Run ``work`` on the installation that the environment names."""

    async def run() -> None:
        async with open_house(load_settings()) as house:
            await work(house)

    asyncio.run(run())
