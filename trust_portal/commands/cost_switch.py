"""``trust-portal cost stop | resume``: the kill switch, for whoever has a shell and no time."""

from __future__ import annotations

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.cost.remediation.switches_model import SetKillSwitch
from trust_portal.errors import InvalidInput
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID

_reason = click.option(
    "--reason", required=True, help="Signed with it, and shown to everybody who is stopped."
)
_tenant = click.option("--tenant", "key", help="This customer only.  [default: everywhere]")
_playbook = click.option("--playbook", default="", help="This playbook only.  [default: all of them]")


@click.command()
@on_installation
@_reason
@_tenant
@_playbook
def stop(reason: str, key: str | None, playbook: str) -> None:
    """Stop playbooks at once: nothing is sent any more when this has returned.

    What would be taken back by itself is held too; a person may still take it back.
    """
    _set(reason, key, playbook, stopped=True)


@click.command()
@on_installation
@_reason
@_tenant
@_playbook
def resume(reason: str, key: str | None, playbook: str) -> None:
    """Let playbooks go on. What was denied meanwhile stays denied."""
    _set(reason, key, playbook, stopped=False)


def _set(reason: str, key: str | None, playbook: str, *, stopped: bool) -> None:
    if key is not None and playbook:
        raise InvalidInput("name a customer or a playbook, not both", field="playbook")

    async def work(house: House) -> None:
        tenant_id = VENDOR_ID
        if key is not None:
            tenant_id = (await house.tenants.by_key(CONSOLE, key, purpose="kill switch")).id
        made = await house.kill_switches.set(SetKillSwitch(tenant_id, stopped, reason, playbook), CONSOLE)
        what = f"playbook {playbook}" if playbook else f"customer {key}" if key else "everything"
        click.echo(
            f"{what}  {'stopped' if stopped else 'goes on'}  {rfc3339(made.set_at)}  receipt {made.receipt_id}"
        )
        for each in await house.kill_switches.in_force(CONSOLE):
            click.echo(f"stopped: {each.playbook or each.reach.value}, by {each.set_by}: {each.reason}")

    in_house(work)
