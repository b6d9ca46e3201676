"""``trust-portal keys``: what this installation signs with, and how others pin it."""

from __future__ import annotations

from pathlib import Path

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.access.key_rotation.model import ROTATED, AskKeyRotation
from trust_portal.commands.console import in_house, installation, on_installation
from trust_portal.evidence import log_policy
from trust_portal.evidence.key_register import follow_keys, keys_in_force, register_keys
from trust_portal.evidence.keyring import KeyPurpose, prepare_key, tidy_keys
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.standard_webhooks import Ed25519Public
from trust_portal.storage.tenancy import TenantScope


@click.group()
def keys() -> None:
    """Show the signing keys, replace them, and export what verifiers pin."""


@keys.command("show")
@on_installation
def show() -> None:
    """The public keys, what each signs, and where the private halves are."""

    async def work(house: House) -> None:
        await follow_keys(house.storage, house.keyring)
        click.echo(f"key file  {house.settings.key_file}  (created {rfc3339(house.keyring.created_at)})")
        for purpose, key in house.keyring.by_purpose().items():
            click.echo(f"\n{purpose.value}  Ed25519  {key.key_id}\n{key.verify_key.pem}", nl=False)
            waiting = house.keyring.prepared.get(purpose)
            if waiting is not None and waiting.key_id != key.key_id:
                click.echo(f"prepared to replace it  {waiting.key_id}")
        click.echo(
            f"as a webhook library reads the last  {Ed25519Public(house.keyring.webhooks.public_key).text}"
        )

    in_house(work)


@keys.command("fingerprint")
@on_installation
def fingerprint() -> None:
    """The id of the key that signs receipts and bundles: SHA-256 of its DER form, in hex."""

    async def work(house: House) -> None:
        await follow_keys(house.storage, house.keyring)
        click.echo(house.keyring.receipts.key_id)

    in_house(work)


_purpose = click.option(
    "--purpose",
    type=click.Choice([each.value for each in ROTATED]),
    default=KeyPurpose.RECEIPTS.value,
    show_default=True,
    help="What the key signs.",
)


@keys.command("prepare")
@on_installation
@_purpose
def prepare(purpose: str) -> None:
    """Make a key beside the one in force, in the key file. It signs nothing before it is approved."""
    path = installation().key_file
    key = prepare_key(path, KeyPurpose(purpose))
    click.echo(f"{path}  holds a key for {purpose}, prepared: {key.key_id}")
    click.echo(
        "next: back the file up, bring it to every machine that runs `serve` or `worker`, compare the"
        f" fingerprint there with `trust-portal keys show`, then: trust-portal keys rotate --purpose {purpose}"
    )


@keys.command("rotate")
@on_installation
@_purpose
@click.option("--fingerprint", help="Of the prepared key, as it was compared on the other machines.")
@click.option("--reason", required=True, help="Why; approvers read it and it is signed.")
def rotate(purpose: str, fingerprint: str | None, reason: str) -> None:
    """Ask that the prepared key replace the one in force. Two people approve it in the portal."""

    async def work(house: House) -> None:
        await house.open()
        command = AskKeyRotation(KeyPurpose(purpose), reason, fingerprint)
        request = await house.key_rotations.ask(command, CONSOLE)
        click.echo(f"asked: {house.settings.base_url}/t/vendor/approvals/{request.id}")
        click.echo(f"until {rfc3339(request.expires_at)}; the worker turns the key when it is approved")

    in_house(work)


@keys.command("tidy")
@on_installation
def tidy() -> None:
    """Drop from the key file the private halves of keys that were replaced. Not before every process turned."""

    async def work(house: House) -> None:
        async with house.storage.read(TenantScope(VENDOR_ID)) as session:
            dropped = tidy_keys(house.settings.key_file, await keys_in_force(session))
        for key_id in dropped:
            click.echo(f"dropped  {key_id}")
        if not dropped:
            click.echo("nothing to drop")

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
        text = (await log_policy.export_policy(house.storage, tenant_id, house.settings.host)).text

    in_house(work)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
        click.echo(f"{output}  written; next: trust-portal verify BUNDLE.zip --policy {output}")
