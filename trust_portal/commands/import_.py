"""``import``: what comes in as files. Rooms above facts add their own kinds of file to the group."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any, Final

import click

from trust_portal.commands.console import installation, on_installation
from trust_portal.settings import Settings

_PART_BYTES: Final = 1 << 20
_SHOWN_REJECTIONS: Final = 20


@click.group("import")
def import_group() -> None:
    """Bring in files: events, objectives, contracts."""


@import_group.command("events")
@on_installation
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
def events(file: Path) -> None:
    """Bring in events from FILE (NDJSON, one CloudEvent a line; `-` reads standard input).

    What was brought in before is recognised, so an interrupted import is simply run again. Exit
    status 0 when every event is stored, 2 when some were rejected.
    """
    asyncio.run(_import_events(file, installation()))


async def _import_events(file: Path, settings: Settings) -> None:
    from trust_portal.access.actors import CONSOLE  # noqa: PLC0415 - `--help` stays quick
    from trust_portal.access.tokens.model import Admission, Bounds  # noqa: PLC0415
    from trust_portal.facts.framing import lines  # noqa: PLC0415
    from trust_portal.house import open_house  # noqa: PLC0415

    with click.open_file(str(file), "rb") as stream:
        async with open_house(settings) as house:
            sender = Admission(CONSOLE, Bounds(sources=("*",)))
            outcome = await house.intake.deliver(lines(_parts(stream)), sender)
            named = {(each.tenant_id, each.objective): each for each in outcome.measured}
            missing = await house.objectives.directory.missing(named)
    for rejection in outcome.rejected[:_SHOWN_REJECTIONS]:
        where = f" at {rejection.path}" if rejection.path else ""
        name = f" ({rejection.id})" if rejection.id else ""
        click.echo(
            f"event {rejection.index + 1}{name}: {rejection.code}{where}: {rejection.message}", err=True
        )
    if outcome.rejected_count > _SHOWN_REJECTIONS:
        click.echo(f"… and {outcome.rejected_count - _SHOWN_REJECTIONS} more", err=True)
    click.echo(
        f"{outcome.accepted} accepted, {outcome.duplicates} duplicates, {outcome.rejected_count} rejected"
    )
    for tenant, objective in sorted((named[each].tenant, named[each].objective) for each in missing):
        click.echo(
            f"{tenant} {objective}: measured, and nobody has defined this objective; no report counts it until"
            " a contract names it or `trust-portal import objectives` defines it",
            err=True,
        )
    if outcome.rejected_count:
        click.echo(
            "Correct the rejected events and run the import again; the others stay as they are.", err=True
        )
        sys.exit(2)


async def _parts(stream: IO[Any]) -> AsyncIterator[bytes]:
    """The file in parts; on a terminal with a count of what has been read."""
    done = 0
    watched = sys.stderr.isatty()
    while part := await asyncio.to_thread(stream.read, _PART_BYTES):
        yield part
        done += len(part)
        if watched:
            click.echo(f"\r{done / 1e6:,.0f} MB read", nl=False, err=True)
    if watched:
        click.echo(err=True)
