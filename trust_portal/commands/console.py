"""What the commands share: which installation they work on, and the house, open while one command works."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from trust_portal.evidence.key_register import known_key_ids
from trust_portal.evidence.keyring import refuse_lost_keys
from trust_portal.house import House, open_house
from trust_portal.runtime.running import DATA_DIR, default_data_dir, environment_of
from trust_portal.settings import Settings, load_settings

#: For every command that works on an installation.
on_installation = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    expose_value=False,
    callback=lambda context, _, value: context.meta.update({DATA_DIR: value}),
    help=f"Work on what `trust-portal up` runs there.  [default: DATABASE_URL, else ${DATA_DIR}, else as `up`]",
)


def installation() -> Settings:
    """Settings of the installation a command is for.

    ``--data-dir``; else the servers in the environment; else what ``up`` runs on the usual directory.
    Raises ``Unavailable`` where nothing runs there.
    """
    context = click.get_current_context(silent=True)
    named: Path | None = context.meta.get(DATA_DIR) if context else None
    if named is None and (os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL")):
        return load_settings()
    return load_settings(environment_of(named or default_data_dir()))


def in_house(work: Callable[[House], Awaitable[None]]) -> None:
    """Run ``work`` on the installation this command is for."""
    settings = installation()

    async def run() -> None:
        if not settings.key_file.exists():
            # New keys would be worth nothing to a database that knows others, and hide that they are lost.
            refuse_lost_keys(settings.key_file, await known_key_ids(settings.database_url))
        async with open_house(settings) as house:
            await house.policies.follow()
            await work(house)

    asyncio.run(run())
