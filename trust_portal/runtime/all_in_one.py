"""The whole house on one machine: embedded servers, the newest schema, web and workers under one supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from trust_portal.runtime.embedded import Servers, embedded_servers
from trust_portal.runtime.embedded.identity import Identity, launcher
from trust_portal.runtime.migrate import migrate
from trust_portal.runtime.ports import HOST, NAME, choose_port
from trust_portal.runtime.running import announced
from trust_portal.runtime.supervisor import Output, Program, Supervisor, to_stderr


@dataclass(frozen=True, slots=True)
class AllInOne:
    """A running house. ``environment`` is what its processes were given; start further ones with it."""

    servers: Servers
    supervisor: Supervisor
    port: int
    base_url: str
    environment: Mapping[str, str]


@asynccontextmanager
async def all_in_one(
    data_dir: Path,
    *,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    output: Output = to_stderr,
    prepare: Callable[[Path], object] | None = None,
) -> AsyncIterator[AllInOne]:
    """Serve on loopback from ``data_dir`` until the block ends; processes that die are restarted.

    ``port`` as in ``choose_port``. ``environment`` goes over ours. ``prepare`` is called with the data
    directory once that is ours, before anything of the portal runs. Programs: ``web``, ``worker``,
    ``exports``, each with its pid at ``supervisor.pid(name)``.
    """
    chosen = choose_port(port)
    async with embedded_servers(data_dir) as servers:
        if prepare is not None:
            prepare(servers.data_dir)
        await migrate(servers.database_url)
        settings = {
            "KEY_FILE": str(servers.data_dir / "keys.json"),
            "BASE_URL": f"http://{NAME}:{chosen}",
            "LOG_FORMAT": "console",
            **os.environ,
            **(environment or {}),
            "DATABASE_URL": servers.database_url,
            "COORDINATOR_URL": "",
            "REDIS_URL": servers.redis_url,
        }
        async with Supervisor(output) as supervisor:
            for program in (
                command("web", "serve", "--port", str(chosen), environment=settings, answers=chosen),
                command("worker", "worker", environment=settings),
                command("exports", "worker", "--queue", "exports", environment=settings),
            ):
                await supervisor.start(program)
            with announced(servers.data_dir, settings):
                yield AllInOne(servers, supervisor, chosen, settings["BASE_URL"], settings)


def command(
    name: str, *arguments: str, environment: Mapping[str, str], answers: int | None = None
) -> Program:
    """``trust-portal ARGUMENTS`` as a supervised program; ready once ``/readyz`` on ``answers`` says so."""

    async def ready() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            while answers is not None:
                try:
                    if (await client.get(f"http://{HOST}:{answers}/readyz")).is_success:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)

    return Program(
        name=name,
        # -P: a file called schema.py where the user stands must not become our schema.
        command=(
            *launcher(Identity.SELF, stop_signal=signal.SIGTERM),
            sys.executable,
            "-P",
            "-m",
            "trust_portal.cli",
            *arguments,
        ),
        environment=environment,
        ready=ready,
    )
