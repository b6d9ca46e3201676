"""``trust-portal keys``: what this installation signs with, and how others pin it."""

from __future__ import annotations

from pathlib import Path

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.evidence.key_register import register_keys
from trust_portal.evidence.log_name import open_log
from trust_portal.evidence.log_policy import log_policy
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.standard_webhooks import Ed25519Public
from trust_portal.storage.tenancy import TenantScope


@click.group()
def keys() -> None:
    """Show the signing keys and export what verifiers pin."""


@keys.command("show")
@on_installation
def show() -> None:
    """The public keys, what each signs, and where the private halves are."""

    async def work(house: House) -> None:
        click.echo(f"key file  {house.settings.key_file}  (created {rfc3339(house.keyring.created_at)})")
        for purpose, key in house.keyring.by_purpose().items():
            click.echo(f"\n{purpose.value}  Ed25519  {key.key_id}\n{key.verify_key.pem}", nl=False)
        click.echo(
            f"as a webhook library reads the last  {Ed25519Public(house.keyring.webhooks.public_key).text}"
        )

    in_house(work)


@keys.command("fingerprint")
@on_installation
def fingerprint() -> None:
    """The id of the key that signs receipts and bundles: SHA-256 of its DER form, in hex."""

    async def work(house: House) -> None:
        click.echo(house.keyring.receipts.key_id)

    in_house(work)


@keys.command("export-policy")
@on_installation
@click.option("--tenant", "key", help="The tenant whose log it is about [default: the vendor's own].")
@click.option("--output", type=click.Path(path_type=Path), help="Write to a file instead of the terminal.")
def export_policy(key: str | None, output: Path | None) -> None:
    """The trust policy (c2sp.org/tlog-policy) for `trust-portal verify --policy`.

    Each tenant has a log of its own and hence a policy of its own. Hand it over on another way than
    the bundles.
    """
    text = ""

    async def work(house: House) -> None:
        nonlocal text
        tenant_id = VENDOR_ID
        if key is not None and key != "vendor":
            tenant_id = (await house.tenants.by_key(CONSOLE, key, purpose="trust policy exported")).id
        await register_keys(house.storage, house.keyring)
        async with house.storage.write(TenantScope(tenant_id)) as session:
            origin = await open_log(
                await session.driver(), tenant_id, house.settings.host, session.clock.now()
            )
            text = (await log_policy(session, tenant_id, origin)).text

    in_house(work)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
        click.echo(f"{output}  written; next: trust-portal verify BUNDLE.zip --policy {output}")
