"""A migrated database, and a login to it that is up to no good."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from adversary import Connection
from sqlalchemy.engine import make_url


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[Connection]:
    """The login itself, owner of every table, outside every scope."""
    url = make_url(database_url)
    connection = await asyncpg.connect(
        host=url.query["host"], user=url.username, password=url.password, database=url.database
    )
    yield connection
    await connection.close()
