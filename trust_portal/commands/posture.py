"""``trust-portal posture``: look at a customer's posture now."""

from __future__ import annotations

import sys

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.trust.posture.model import Outcome


@click.group()
def posture() -> None:
    """Look whether what customers are promised about their data holds."""


@posture.command("check")
@on_installation
@click.argument("keys", nargs=-1)
def check(keys: tuple[str, ...]) -> None:
    """Look now at the customers named by KEYS, or at all in service; each look is put on record.

    Exits 1 where something does not hold.
    """
    failed = 0

    async def work(house: House) -> None:
        nonlocal failed
        purpose = "posture"
        if keys:
            tenants = [await house.tenants.by_key(CONSOLE, key, purpose=purpose) for key in keys]
        else:
            tenants = list(await house.tenants.in_service(CONSOLE, purpose=purpose))
        for tenant in tenants:
            for each in await house.posture.check(tenant.id, CONSOLE):
                finding = each.finding
                failed += finding.outcome is Outcome.FAIL
                click.echo(f"{tenant.key}  {finding.check.value}: {finding.outcome.words}. {finding.found}")

    in_house(work)
    sys.exit(1 if failed else 0)
