"""The one SQLAlchemy engine, over asyncpg."""

from __future__ import annotations

import logging

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from trust_portal.errors import InvalidInput

# A connection whose server died cannot be closed either. The pool would print a traceback of that; what
# the loss means is told by whoever was using it.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def create_engine(url: str, *, pool_size: int = 10, application_name: str = "trust-portal") -> AsyncEngine:
    """An engine for ``postgresql+asyncpg://…``; any other scheme is refused by name."""
    parsed = make_url(url)
    if parsed.drivername != "postgresql+asyncpg":
        raise InvalidInput(
            f"write the URL as postgresql+asyncpg://…, not {parsed.drivername}://", field="DATABASE_URL"
        )
    return create_async_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        # The unit of work opens and ends transactions itself, in one round trip with the scope.
        isolation_level="AUTOCOMMIT",
        connect_args={
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                # A placeholder on plain PostgreSQL; on Citus it carries SET LOCAL to the shards.
                "citus.propagate_set_commands": "local",
            }
        },
    )
