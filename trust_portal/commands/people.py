"""``trust-portal people``: who may come in, and as what."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.page import MAX_PAGE, PageRequest

_ROLE = click.Choice([role.value for role in Role])
_UNTIL = click.DateTime(["%Y-%m-%d"])
_TENANT_HELP = "Key of the tenant; the vendor's is `vendor`."


@click.group()
def people() -> None:
    """Add people, give and take roles, print sign-in links."""


@people.command("add")
@on_installation
@click.argument("email")
@click.option("--tenant", "tenant_key", required=True, help=_TENANT_HELP)
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, type=_ROLE, help="May be repeated.")
@click.option("--until", type=_UNTIL, help="Last day of the roles (UTC); an auditor needs one.")
def add_person(
    email: str, tenant_key: str, name: str, roles: tuple[str, ...], until: datetime | None
) -> None:
    """Add the person with EMAIL to a tenant."""
    wanted = [Role(role) for role in roles]
    end = _end_of_day(until)

    async def work(house: House) -> None:
        tenant = await house.tenants.by_key(CONSOLE, tenant_key, purpose="person added at the console")
        command = AddPerson(tenant.id, email, name)
        # All roles are judged before anybody is added: an add that half-works would confuse.
        now = house.clock.now()
        for role in wanted:
            GrantRole(tenant.id, tenant.id, role, end).check(now)
        person = await house.people.add(command, CONSOLE)
        for role in wanted:
            await house.people.grant(GrantRole(tenant.id, person.id, role, end), CONSOLE)
        click.echo(f"{person.email}  {person.id}  added to {tenant.key}")
        click.echo(f"next: trust-portal people sign-in-link {person.email} --tenant {tenant.key}")

    in_house(work)


@people.command("list")
@on_installation
@click.option("--tenant", "tenant_key", required=True, help=_TENANT_HELP)
def list_people(tenant_key: str) -> None:
    """People of a tenant with the roles they hold now."""

    async def work(house: House) -> None:
        tenant = await house.tenants.by_key(CONSOLE, tenant_key, purpose="people listed at the console")
        after: str | None = None
        while True:
            page = await house.people.page(CONSOLE, tenant.id, PageRequest(size=MAX_PAGE, after=after))
            for person in page.items:
                roles = ", ".join(sorted(person.roles)) or "no role"
                state = "" if person.active else "  (suspended)"
                click.echo(f"{person.email}  {person.name}  {roles}{state}")
            if not page.has_next:
                return
            after = page.cursors[-1]

    in_house(work)


@people.command("grant")
@on_installation
@click.argument("email")
@click.argument("role", type=_ROLE)
@click.option("--tenant", "tenant_key", help=_TENANT_HELP)
@click.option("--until", type=_UNTIL, help="Last day of the role (UTC); an auditor needs one.")
def grant_role(email: str, role: str, tenant_key: str | None, until: datetime | None) -> None:
    """Give the person with EMAIL a ROLE; one already held gets the new term."""
    end = _end_of_day(until)

    async def work(house: House) -> None:
        person = await _person(house, email, tenant_key)
        await house.people.grant(GrantRole(person.tenant_id, person.id, Role(role), end), CONSOLE)
        click.echo(
            f"{person.email}  holds {role}" + ("" if end is None else f" until {end:%Y-%m-%d %H:%M} UTC")
        )

    in_house(work)


@people.command("revoke")
@on_installation
@click.argument("email")
@click.argument("role", type=_ROLE)
@click.option("--tenant", "tenant_key", help=_TENANT_HELP)
def revoke_role(email: str, role: str, tenant_key: str | None) -> None:
    """Take a ROLE from the person with EMAIL."""

    async def work(house: House) -> None:
        person = await _person(house, email, tenant_key)
        await house.people.revoke(CONSOLE, person.tenant_id, person.id, Role(role))
        click.echo(f"{person.email}  no longer holds {role}")

    in_house(work)


@people.command("suspend")
@on_installation
@click.argument("email")
@click.option("--tenant", "tenant_key", help=_TENANT_HELP)
def suspend_person(email: str, tenant_key: str | None) -> None:
    """Lock the person with EMAIL out: sessions and tokens end at once."""

    async def work(house: House) -> None:
        person = await _person(house, email, tenant_key)
        await house.people.suspend(CONSOLE, person.tenant_id, person.id)
        click.echo(f"{person.email}  suspended")

    in_house(work)


@people.command("sign-in-link")
@on_installation
@click.argument("email")
@click.option("--tenant", "tenant_key", help=_TENANT_HELP)
def sign_in_link(email: str, tenant_key: str | None) -> None:
    """Print a link that signs the person with EMAIL in, once. It is shown only here."""

    async def work(house: House) -> None:
        person = await _person(house, email, tenant_key)
        link = await house.sign_in_links.create(CONSOLE, person.tenant_id, person.id, brought_by=())
        click.echo(link.url)
        click.echo(f"good once, until {link.expires_at:%Y-%m-%d %H:%M} UTC; hand it over privately", err=True)

    in_house(work)


async def _person(house: House, email: str, tenant_key: str | None) -> Person:
    tenant_id = None
    if tenant_key is not None:
        tenant_id = (await house.tenants.by_key(CONSOLE, tenant_key, purpose="people at the console")).id
    return await house.people.by_email(CONSOLE, email, tenant_id=tenant_id)


def _end_of_day(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(hour=23, minute=59, second=59, tzinfo=UTC)
