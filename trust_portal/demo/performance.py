"""The demo from curtain to curtain: a folder, the house, the scenario, and serving on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import httpx

from trust_portal.demo.scenario import Scenario
from trust_portal.demo.scene import VENDOR
from trust_portal.demo.stage import Playbill, data_folder, stage
from trust_portal.demo.telling import Telling
from trust_portal.errors import Unavailable
from trust_portal.house import open_house
from trust_portal.settings import load_settings


async def perform(data_dir: Path | None, port: int | None, *, once: bool) -> None:
    """Play the scenario; with ``once`` end after it, else serve until cancelled."""
    telling = Telling()
    telling.heading(
        f"Trust Portal, shown by {VENDOR}",
        "Vendor, customers and people are invented. Nothing leaves this machine.",
    )
    with data_folder(data_dir) as folder:
        playbill = Playbill(folder / "log" / "processes.log")
        telling.waiting("Starting the servers")
        try:
            async with (
                stage(folder, port, playbill) as running,
                open_house(load_settings(running.environment)) as house,
            ):
                scenario = Scenario(running, house, telling)
                await scenario.play()
                if not once:
                    scenario.who_is_who()
                    telling.line(f"Serving at {running.base_url} until Ctrl-C.")
                    await asyncio.Event().wait()
        except Exception as error:
            telling.line()
            for line in playbill.last_words():
                click.echo(f"  {line}", err=True)
            if playbill.log.exists():
                click.echo(f"  The whole log: {playbill.log}", err=True)
            if isinstance(error, httpx.HTTPError):
                raise Unavailable(f"the portal did not answer: {error!r}") from error
            raise
