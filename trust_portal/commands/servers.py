"""``up``, ``serve``, ``worker``, ``migrate``: what runs."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import click

from trust_portal.errors import InvalidInput
from trust_portal.runtime.loading import loading
from trust_portal.runtime.ports import DEFAULT_PORT, HOST
from trust_portal.runtime.running import default_data_dir
from trust_portal.settings import load_settings


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept.  [default: $TRUST_PORTAL_DATA_DIR, else ~/.local/share/trust-portal]",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1.  [default: 8400, or a free one]"
)
def up(data_dir: Path | None, port: int | None) -> None:
    """Run everything on this machine, with its own database, until Ctrl-C. Data stays."""
    from trust_portal.runtime.signals import until_told  # noqa: PLC0415 - `--help` stays quick

    folder = (data_dir or default_data_dir()).expanduser().absolute()
    asyncio.run(until_told(_up(folder, port)))
    click.echo(f"Stopped. Data stays in {folder}")


async def _up(data_dir: Path, port: int | None) -> None:
    from trust_portal.runtime.all_in_one import all_in_one  # noqa: PLC0415

    async with all_in_one(data_dir, port=port) as house:
        if port is None and house.port != DEFAULT_PORT:
            click.echo(f"Port {DEFAULT_PORT} is in use by another program; taking a free one.")
        click.echo(_started(house.base_url, house.servers.data_dir, Path(sys.argv[0])))
        await asyncio.Event().wait()


def _started(address: str, data_dir: Path, program: Path) -> str:
    """What is running, and what to type next: in one piece, below what the start has logged."""
    command = program if program.name == "trust-portal" else Path("trust-portal")
    return f"""
  Trust Portal: {address}  (Ctrl-C stops it)
  Data: {data_dir}

  Nobody may sign in yet? In another terminal:

    export TRUST_PORTAL_DATA_DIR={shlex.quote(str(data_dir))}
    {command} people add you@vendor.example --tenant vendor --name "Your Name" --role vendor_admin
    {command} people sign-in-link you@vendor.example

  After that: "Installing for real" in README.md, or the first page of the portal.
"""


@click.command()
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True)
def serve(host: str, port: int) -> None:
    """Serve the portal, the event intake and GraphQL. Needs DATABASE_URL and REDIS_URL."""
    with loading():
        import uvicorn  # noqa: PLC0415

    load_settings()  # a wrong setting is one line here, not a stack trace from the server
    uvicorn.run(
        "trust_portal.app:create_app",
        factory=True,
        host=host,
        port=port,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


@click.command()
@click.option("--queue", type=click.Choice(["default", "exports"]), default="default", show_default=True)
def worker(queue: str) -> None:
    """Do the background work: relay, sequencer, reports; or the exports. Needs DATABASE_URL and REDIS_URL."""
    with loading():
        from jobs.worker import run_worker  # noqa: PLC0415
        from trust_portal.runtime.telemetry import configure_logging  # noqa: PLC0415

    settings = load_settings()
    configure_logging(settings.log_format)
    run_worker(settings, queue)


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to repeat, and to run twice at once.

    The database is the one in COORDINATOR_URL, or else in DATABASE_URL.
    """
    from trust_portal.runtime.migrate import migrate as upgrade  # noqa: PLC0415
    from trust_portal.runtime.migrate import newest_revision  # noqa: PLC0415

    url = os.environ.get("COORDINATOR_URL") or os.environ.get("DATABASE_URL")
    if not url:
        raise InvalidInput("set DATABASE_URL to postgresql+asyncpg://…", field="DATABASE_URL")
    asyncio.run(upgrade(url))
    click.echo(f"The schema is at {newest_revision()}, the newest.")
