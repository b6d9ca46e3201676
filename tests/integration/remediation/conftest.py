"""A house with a product to call, at an hour that tests move on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.remediation_world import START, ProductProcess, World, person, product_process

from trust_portal.evidence.keyring import load_or_create_keyring
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.settings import Settings


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def product(tmp_path: Path, clock: ManualClock) -> AsyncIterator[ProductProcess]:
    keyring = load_or_create_keyring(tmp_path / "keys.json", clock)
    async with product_process(tmp_path / "product", keyring.webhooks.public_key) as running:
        yield running


@pytest.fixture
async def house(
    database_url: str, redis_url: str, clock: ManualClock, tmp_path: Path, product: ProductProcess
) -> AsyncIterator[House]:
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=tmp_path / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        control_url=product.url,
    )
    house = build_house(settings, clock)
    yield house
    await house.close()


@pytest.fixture
async def world(house: House, clock: ManualClock) -> World:
    return World(
        house,
        clock,
        operator=await person(house, "olga", Role.SRE_OPERATOR),
        approver=await person(house, "arne", Role.APPROVER_RELIABILITY),
    )
