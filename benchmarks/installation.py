"""An installation of one benchmark's own: servers, migrated, and a house over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trust_portal.house import House, build_house
from trust_portal.kernel.clock import Clock
from trust_portal.runtime.embedded import Servers, embedded_servers
from trust_portal.runtime.migrate import migrate
from trust_portal.settings import Settings


@dataclass(frozen=True, slots=True)
class Installation:
    house: House
    settings: Settings
    servers: Servers


@asynccontextmanager
async def installation(
    folder: Path, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Installation]:
    """Everything below ``folder``, which is the caller's to remove. ``settings`` beyond where things are."""
    async with embedded_servers(folder / "data") as servers:
        await migrate(servers.database_url)
        given: dict[str, Any] = {
            "base_url": "https://trust.example",
            "vendor_name": "Vendor Ltd",
            "log_format": "console",
        }
        made = Settings(
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            key_file=folder / "keys.json",
            **given | settings,
        )
        house = build_house(made, clock)
        try:
            await house.open()
            yield Installation(house, made, servers)
        finally:
            await house.close()
