"""Three tenants whose exports have been running away for three hours: made once, cloned for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.remediation_world import (
    HOUR,
    ONSET,
    START,
    ProductProcess,
    Template,
    World,
    build_template,
    product_process,
    settings_of,
)

from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.evidence.keyring import load_keyring
from trust_portal.house import House, build_house
from trust_portal.kernel.clock import ManualClock

#: The hour at which every test begins, and the grace that has passed by then.
NOW = ONSET + 3.25


async def _runaways(world: World) -> dict[str, CostAnomaly]:
    return {key: await world.runaway(key) for key in ("acme", "birch", "cedar")}


@pytest.fixture(scope="session")
def remediation_template(server_thread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    folder, name = tmp_path_factory.mktemp("remediation"), server_thread.clone()
    servers = server_thread.servers
    yield asyncio.run(build_template(servers.url_of(name), servers.redis_url, folder, name, _runaways))
    server_thread.drop(name)


@pytest.fixture
def database_url(server_thread, remediation_template: Template) -> Iterator[str]:
    name = server_thread.clone(remediation_template.database)
    yield server_thread.servers.url_of(name)
    server_thread.drop(name)


@pytest.fixture
def clock() -> ManualClock:
    clock = ManualClock(START)
    clock.advance(NOW * HOUR)
    return clock


@pytest.fixture
def anomaly(remediation_template: Template) -> CostAnomaly:
    return remediation_template.anomalies["acme"]


@pytest.fixture
def anomalies(remediation_template: Template) -> dict[str, CostAnomaly]:
    return remediation_template.anomalies


@pytest.fixture
async def product(tmp_path: Path, remediation_template: Template) -> AsyncIterator[ProductProcess]:
    keyring = load_keyring(remediation_template.folder / "keys.json")
    async with product_process(tmp_path / "product", keyring.webhooks.public_key) as running:
        yield running


@pytest.fixture
def playbooks() -> Path | None:
    """The file that the house reads; a test may parametrize it."""
    return None


@pytest.fixture
async def house(
    database_url: str,
    redis_url: str,
    clock: ManualClock,
    remediation_template: Template,
    product: ProductProcess,
    playbooks: Path | None,
) -> AsyncIterator[House]:
    settings = settings_of(
        database_url, redis_url, remediation_template.folder, control_url=product.url, playbooks=playbooks
    )
    house = build_house(settings, clock)
    yield house
    await house.close()


@pytest.fixture
def world(house: House, clock: ManualClock, remediation_template: Template) -> World:
    made = remediation_template
    return World(house, clock, made.operator, made.approver, made.payer)
