"""``trust-portal tokens``: what programs may do."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import click

from trust_portal.access.action import TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tokens.model import DEFAULT_LIFE, Bounds, CreateToken
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.kernel.page import MAX_PAGE, PageRequest

_TENANT_HELP = "Key of the tenant whose person issues it; the vendor's is `vendor`."


@click.group()
def tokens() -> None:
    """Create, list and revoke API tokens."""


@tokens.command("create")
@on_installation
@click.argument("label")
@click.option("--for", "email", required=True, help="Email of the issuer, whose roles bound the token.")
@click.option("--tenant", "tenant_key", default="vendor", show_default=True, help=_TENANT_HELP)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in TokenScope]),
    help="May be repeated.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    help="With scope ingest: event source it may send for; `prefix*` is allowed. Without one it may send nothing.",
)
@click.option("--only-tenant", "only", multiple=True, help="Key of a tenant it may send for [default: all].")
@click.option("--days", default=DEFAULT_LIFE.days, show_default=True, type=click.IntRange(1, 366))
def create_token(
    label: str,
    *,
    email: str,
    tenant_key: str,
    scopes: tuple[str, ...],
    sources: tuple[str, ...],
    only: tuple[str, ...],
    days: int,
) -> None:
    """Print a new token called LABEL. It is shown only here."""

    async def work(house: House) -> None:
        purpose = "token created at the console"
        tenant = await house.tenants.by_key(CONSOLE, tenant_key, purpose=purpose)
        person = await house.people.by_email(CONSOLE, email, tenant_id=tenant.id)
        bound = [(await house.tenants.by_key(CONSOLE, key, purpose=purpose)).id for key in only]
        issued = await house.tokens.create(
            CreateToken(
                tenant_id=tenant.id,
                label=label,
                scopes=frozenset(TokenScope(scope) for scope in scopes),
                bounds=Bounds(sources, frozenset(bound)),
                life=timedelta(days=days),
                person_id=person.id,
            ),
            CONSOLE,
        )
        click.echo(issued.secret)
        click.echo(f"{issued.token.id}  good until {issued.token.expires_at:%Y-%m-%d %H:%M} UTC", err=True)

    in_house(work)


@tokens.command("list")
@on_installation
@click.option("--tenant", "tenant_key", default="vendor", show_default=True, help=_TENANT_HELP)
def list_tokens(tenant_key: str) -> None:
    """Tokens of a tenant, newest first, with the spent ones."""

    async def work(house: House) -> None:
        tenant = await house.tenants.by_key(CONSOLE, tenant_key, purpose="tokens listed at the console")
        after: str | None = None
        while True:
            page = await house.tokens.page(CONSOLE, tenant.id, PageRequest(size=MAX_PAGE, after=after))
            for token in page.items:
                state = "usable" if token.usable(house.clock.now()) else "spent"
                scopes = ",".join(sorted(token.scopes))
                used = "never used" if token.last_used_at is None else f"used {token.last_used_at:%Y-%m-%d}"
                click.echo(f"{token.id}  {state}  {scopes}  {used}  {token.label}")
            if not page.has_next:
                return
            after = page.cursors[-1]

    in_house(work)


@tokens.command("revoke")
@on_installation
@click.argument("token_id", type=click.UUID)
@click.option("--tenant", "tenant_key", default="vendor", show_default=True, help=_TENANT_HELP)
def revoke_token(token_id: UUID, tenant_key: str) -> None:
    """End the token with TOKEN_ID at once."""

    async def work(house: House) -> None:
        tenant = await house.tenants.by_key(CONSOLE, tenant_key, purpose="token revoked at the console")
        await house.tokens.revoke(CONSOLE, tenant.id, token_id)
        click.echo(f"{token_id}  revoked")

    in_house(work)
