"""The portal's own fixtures (``tests/support/portal_fixtures.py``), and a house whose storage says where it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.portal_fixtures import portal, portal_template

from trust_portal.house import House, build_house
from trust_portal.kernel.clock import ManualClock
from trust_portal.settings import Settings

__all__ = ["portal", "portal_template"]


@pytest.fixture
async def house(
    database_url: str, redis_url: str, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[House]:
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=tmp_path / "keys.json",
        base_url="https://trust.example",
        log_format="console",
        database_location=("Germany", "EU"),
        backup_location=("Germany",),
    )
    house = build_house(settings, clock)
    await house.open()
    yield house
    await house.close()
