"""``demo``: the whole product with a sample vendor, on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from trust_portal.runtime.loading import loading


@click.command()
@click.option("--once", is_flag=True, help="End after the last step instead of serving on.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    help="Keep everything here  [default: a temporary folder, removed at the end].",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1.  [default: 8400, or a free one]"
)
def demo(*, once: bool, data_dir: Path | None, port: int | None) -> None:
    """Show everything at work: an invented vendor, its customers, a month, a signed report."""
    with loading():
        from trust_portal.demo.performance import perform  # noqa: PLC0415 - `--help` stays quick
        from trust_portal.runtime.signals import until_told  # noqa: PLC0415

    asyncio.run(until_told(perform(data_dir, port, once=once)))
    if data_dir is not None:
        click.echo(f"Stopped. Data stays in {data_dir}")
    elif not once:
        click.echo("Stopped. The temporary folder is removed.")
    sys.exit(0)
