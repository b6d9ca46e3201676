"""``trust-portal incidents``: the register of incidents."""

from __future__ import annotations

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House


@click.group()
def incidents() -> None:
    """The register of incidents."""


@incidents.command()
@on_installation
@click.option("--reason", required=True, help="Signed with it.")
def rebuild(reason: str) -> None:
    """Make the register again from everything that was told, and say what came out otherwise.

    So is where each prevention action stands, from its steps.

    Stopped at any point and started again, it comes to the same. A P1 or P2 without a postmortem gets it.
    """

    async def work(house: House) -> None:
        found, receipt_id = await house.incidents.rebuild(CONSOLE, reason)
        said = "as they were" if not found.changed else f"{found.changed} came out otherwise"
        click.echo(f"{found.incidents} incidents  {said}  receipt {receipt_id}")
        if found.actions:
            click.echo(f"{found.actions} prevention actions stood otherwise than their steps say")
        for id_ in found.unfounded:
            click.echo(f"{id_}  stands in the register, and nothing was told of it", err=True)

    in_house(work)
