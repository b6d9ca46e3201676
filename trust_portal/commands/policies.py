"""``trust-portal policies``: which rules decide here, and asking for those that came with this program."""

from __future__ import annotations

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.access.policy_change.retiring import AskPolicyRetirement
from trust_portal.access.policy_change.service import AskPolicyChange
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339


@click.group()
def policies() -> None:
    """Show which policies decide here, and ask for those that came with this program."""


@policies.command("show")
@on_installation
def show() -> None:
    """The version in force, that of this program, and every line that differs."""

    async def work(house: House) -> None:
        in_force, shipped = house.gate.policies.version, house.policies.shipped.version
        click.echo(f"in force      {in_force}\nthis program  {shipped}")
        if house.policies.waiting:
            click.echo(await house.policy_changes.difference(CONSOLE, shipped, in_force), nl=False)
            click.echo('next: trust-portal policies request --reason "…"')
        for version, retired in (await house.policy_retirements.superseded(CONSOLE)).items():
            click.echo(f"{'retired' if retired else 'superseded':<13} {version}")

    in_house(work)


@policies.command("retire")
@on_installation
@click.argument("version")
@click.option("--reason", required=True, help="Why; approvers read it and it is signed.")
def retire(version: str, reason: str) -> None:
    """Ask that a superseded VERSION decide no more, whichever program brings it. It cannot be undone."""

    async def work(house: House) -> None:
        made = await house.policy_retirements.ask(AskPolicyRetirement(version, reason), CONSOLE)
        click.echo(f"asked: {house.settings.base_url}/t/vendor/approvals/{made.id}")
        click.echo(f"until {rfc3339(made.expires_at)}")

    in_house(work)


@policies.command("request")
@on_installation
@click.option("--reason", required=True, help="Why; approvers read it and it is signed.")
def request(reason: str) -> None:
    """Ask that the policies of this program decide. Two people approve it in the portal."""

    async def work(house: House) -> None:
        made = await house.policy_changes.ask(AskPolicyChange(reason), CONSOLE)
        click.echo(f"asked: {house.settings.base_url}/t/vendor/approvals/{made.id}")
        click.echo(f"until {rfc3339(made.expires_at)}; nothing needs a restart once it is approved")

    in_house(work)
