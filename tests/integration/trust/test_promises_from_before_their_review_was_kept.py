"""A promise made before it was kept in which review: it is of the quarter that was over then."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest
from alembic import command
from qbr_desk import everything
from report_desk import CORA
from sqlalchemy import make_url
from support.portal_fixtures import Portal

from tests.conftest import ServerThread
from trust_portal.runtime.migrate import alembic_config, check_drift, migrate
from trust_portal.trust.qbr.model import Promise

pytestmark = pytest.mark.takes(seconds=25)

#: The last revision by which nobody knew in which review something was promised.
BEFORE = "0060"


async def test_it_is_of_the_last_quarter_that_was_over_when_it_was_made_and_all_else_of_it_stays(
    portal: Portal, server_thread: ServerThread
) -> None:
    house, aurora = portal.house, portal.world.aurora
    await house.qbrs.promise(Promise(aurora.id, "Answer within a day", "Cora", date(2026, 9, 1)), CORA)
    before = await everything(house, aurora.id)
    url = house.settings.database_url
    await house.storage.engine.dispose()
    await asyncio.to_thread(command.downgrade, alembic_config(url), BEFORE)
    driver: asyncpg.Connection[Any] = await server_thread.servers._postgres.connect_as_bootstrap(
        make_url(url).database
    )
    try:
        [row] = await driver.fetch("SELECT * FROM qbr_commitments")
        assert "period" not in row
        await migrate(url)
        found = await driver.fetch("SELECT period FROM qbr_commitments")
    finally:
        await driver.close()
    await asyncio.to_thread(check_drift, url)
    assert [each["period"] for each in found] == ["2026-Q2"], "made on 10 July 2026"
    assert await everything(house, aurora.id) == before
