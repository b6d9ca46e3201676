"""A house over real servers, and a vendor with customers, contracts and measured minutes in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.reliability_vendor import Vendor, settings_of
from support.sequencing import sequencing

from trust_portal.house import House, build_house
from trust_portal.kernel.clock import ManualClock


@pytest.fixture
async def house(
    database_url: str, redis_url: str, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[House]:
    house = build_house(settings_of(database_url, redis_url, tmp_path), clock)
    yield house
    await house.close()


@pytest.fixture
def vendor(house: House) -> Vendor:
    return Vendor(house)


@pytest.fixture
async def sequencer(house: House) -> AsyncIterator[None]:
    """Integrates receipts while the test runs."""
    async with sequencing(house):
        yield
