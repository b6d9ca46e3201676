"""A house in which an operator asks and four people approve: made once, cloned per test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dual_control import Cast, Desk, add_person, settings_of

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.house import House, build_house
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import ManualClock


@dataclass(frozen=True, slots=True)
class Template:
    database: str
    folder: Path
    cast: Cast


@pytest.fixture(scope="session")
def template(server_thread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    folder, name = tmp_path_factory.mktemp("approvals"), server_thread.clone()
    settings = settings_of(server_thread.servers.url_of(name), server_thread.servers.redis_url, folder)
    yield Template(name, folder, asyncio.run(_cast(settings)))
    server_thread.drop(name)


async def _cast(settings) -> Cast:
    house = build_house(settings)
    try:
        return Cast(
            acme=await house.tenants.create(CreateTenant("acme", "Acme Ltd", residency="eu"), CONSOLE),
            globex=await house.tenants.create(CreateTenant("globex", "Globex Inc"), CONSOLE),
            people={
                "olive": await add_person(house, "olive@vendor.example", Role.SRE_OPERATOR),
                "sam": await add_person(house, "sam@vendor.example", Role.APPROVER_SECURITY),
                "sid": await add_person(house, "sid@vendor.example", Role.APPROVER_SECURITY),
                "fay": await add_person(house, "fay@vendor.example", Role.APPROVER_FINANCE),
                "both": await add_person(
                    house, "both@vendor.example", Role.APPROVER_SECURITY, Role.APPROVER_FINANCE
                ),
            },
        )
    finally:
        await house.close()


@pytest.fixture
async def house(server_thread, template: Template, clock: ManualClock) -> AsyncIterator[House]:
    name = server_thread.clone(template.database)
    servers = server_thread.servers
    house = build_house(settings_of(servers.url_of(name), servers.redis_url, template.folder), clock)
    yield house
    await house.close()
    server_thread.drop(name)


@pytest.fixture
def desk(house: House, template: Template) -> Desk:
    """Requests about ``acme`` that Olive makes."""
    return Desk(house, template.cast.acme, template.cast.people, template.cast.globex)
