"""``trust-portal cost rebuild``: a customer's roll-ups from its usage, anew."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.cost.metering.rebuilding import RebuildRollUps
from trust_portal.house import House

_DAY = click.DateTime(("%Y-%m-%d",))


@click.command()
@on_installation
@click.option("--tenant", "key", required=True, help="The customer's key.")
@click.option("--reason", required=True, help="Signed with it.")
@click.option("--since", type=_DAY, help="First day, UTC.  [default: that of the first usage]")
@click.option("--until", type=_DAY, help="The day after the last one, UTC.  [default: up to now]")
def rebuild(key: str, reason: str, since: datetime | None, until: datetime | None) -> None:
    """Derive a customer's hourly costs anew from its usage, as after a change of COST_LABELS.

    Stopped at any point and started again, it comes to the same. Hours that come out otherwise are
    closed once more by the workers. The receipt says whether all came out as they were.
    """

    async def work(house: House) -> None:
        tenant = await house.tenants.by_key(CONSOLE, key, purpose="roll-ups")
        command = RebuildRollUps(
            tenant.id,
            reason,
            None if since is None else since.replace(tzinfo=UTC),
            None if until is None else until.replace(tzinfo=UTC),
        )

        def told(done: int, total: int) -> None:
            click.echo(f"{done} of {total} weeks", err=True)

        found = await house.rebuilding.rebuild(command, CONSOLE, told)
        click.echo(f"{key}  {found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC")
        said = "as they were" if found.identical else f"{found.changed} weeks came out otherwise"
        click.echo(f"roll-ups {found.after}  {said}  receipt {found.receipt_id}")

    in_house(work)
