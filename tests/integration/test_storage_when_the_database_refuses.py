"""A server that takes no connection now is unavailable: to be tried again, not an error of ours."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from trust_portal.errors import Unavailable
from trust_portal.storage.unit_of_work import Storage


async def test_a_refused_connection_is_unavailable_and_later_all_is_well(
    storage: Storage, server_thread, database_url: str
) -> None:
    """SQLSTATE 53300 here; a server in recovery refuses at the same place with 57P03."""
    database = make_url(database_url).database
    server_thread.call(server_thread._sql(f"ALTER DATABASE {database} CONNECTION LIMIT 0"))
    with pytest.raises(Unavailable):
        await storage.ping()
    server_thread.call(server_thread._sql(f"ALTER DATABASE {database} CONNECTION LIMIT -1"))
    await storage.ping()
