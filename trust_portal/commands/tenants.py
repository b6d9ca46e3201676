"""``trust-portal tenants``: the customers of this installation."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant, SetResidency
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.kernel.page import MAX_PAGE, PageRequest


@click.group()
def tenants() -> None:
    """Add and list tenants: the customers, each with its own people, contracts, reports and log."""


@tenants.command("add")
@on_installation
@click.argument("key")
@click.option("--name", required=True, help="How documents and pages name it.")
@click.option("--time-zone", default="UTC", show_default=True, help="IANA name, such as Europe/Berlin.")
@click.option("--residency", default="", help="Where its data lives, as agreed; free text, shown to it.")
@click.option(
    "--onboarded",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day of service, UTC; a month before it has no report  [default: now].",
)
def add_tenant(key: str, name: str, time_zone: str, residency: str, onboarded: datetime | None) -> None:
    """Create the tenant that events and contracts call KEY."""
    at = None if onboarded is None else onboarded.replace(tzinfo=UTC)
    command = CreateTenant(key, name, time_zone, residency, at)

    async def work(house: House) -> None:
        tenant = await house.tenants.create(command, CONSOLE)
        click.echo(f"{tenant.key}  {tenant.id}  created")
        click.echo(
            f"next: trust-portal people add EMAIL --tenant {tenant.key} --name NAME --role customer_admin"
        )

    in_house(work)


@tenants.command("residency")
@on_installation
@click.argument("key")
@click.argument("residency")
@click.option("--reason", required=True, help="Why that changes; signed with the act.")
def set_residency(key: str, residency: str, reason: str) -> None:
    """Record where the data of the customer KEY must stay from now on: RESIDENCY, free text.

    An empty text says that nothing is agreed. A worker then looks at the customer's posture again.
    """

    async def work(house: House) -> None:
        tenant = await house.tenants.by_key(CONSOLE, key, purpose="what is agreed about its data")
        changed = await house.tenants.set_residency(SetResidency(tenant.id, residency, reason), CONSOLE)
        agreed = f"agreed is {changed.residency}" if changed.residency else "nothing is agreed"
        click.echo(f"{changed.key}  {agreed}")

    in_house(work)


@tenants.command("list")
@on_installation
def list_tenants() -> None:
    """Every tenant with its key, id, time zone and name; departed ones are marked."""

    async def work(house: House) -> None:
        after: str | None = None
        while True:
            page = await house.tenants.page(
                CONSOLE, PageRequest(size=MAX_PAGE, after=after), purpose="listed at the console"
            )
            for tenant in page.items:
                left = "" if tenant.active else "  (offboarded)"
                click.echo(f"{tenant.key}  {tenant.id}  {tenant.time_zone}  {tenant.name}{left}")
            if not page.has_next:
                return
            after = page.cursors[-1]

    in_house(work)
