"""A house over real servers whose vendor has people and customers, and a clock that stands where a test puts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.learning_world import BEGAN, Vendor

from trust_portal.house import House, build_house
from trust_portal.kernel.clock import ManualClock
from trust_portal.settings import Settings


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGAN)


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
    )
    house = build_house(settings, clock)
    await house.open()
    yield house
    await house.close()


@pytest.fixture
def vendor(house: House, clock: ManualClock) -> Vendor:
    return Vendor(house, clock)
