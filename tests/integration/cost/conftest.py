"""A house over real servers, and a vendor whose customers use and pay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.cost_vendor import START, Vendor

from trust_portal.house import House, build_house
from trust_portal.kernel.clock import ManualClock
from trust_portal.settings import Settings


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def house(
    database_url: str, redis_url: str, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[House]:
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=tmp_path / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        ingest_events_per_minute=10_000_000,
    )
    house = build_house(settings, clock)
    yield house
    await house.close()


@pytest.fixture
def vendor(house: House, clock: ManualClock) -> Vendor:
    return Vendor(house, clock)
