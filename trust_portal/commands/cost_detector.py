"""``trust-portal cost detector``: which detector is live, which is on trial, and the back-tests between them."""

from __future__ import annotations

from uuid import UUID

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.cost.anomalies.flags_model import Flag
from trust_portal.cost.detection.replay import WEEKS
from trust_portal.cost.detection.versions import VERSIONS
from trust_portal.cost.trials.comparison import Sum
from trust_portal.cost.trials.model import RunBackTest, SetDetectorFlag
from trust_portal.house import House
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID

_tenant = click.option("--tenant", "key", help="For this customer.  [default: for every customer]")
_reason = click.option("--reason", required=True, help="Signed with the decision.")
_back_test = click.option("--back-test", "test", type=click.UUID, required=True, help="What it rests on.")


@click.group()
def detector() -> None:
    """Which detector is live and which watches beside it, in shadow."""


@detector.command("back-test")
@on_installation
@click.option("--detector", "name", type=click.Choice(tuple(VERSIONS)), required=True)
@click.option("--weeks", type=click.Choice(tuple(map(str, WEEKS))), default="8", show_default=True)
@_tenant
def back_test(name: str, weeks: str, key: str | None) -> None:
    """Try a detector on the stored history beside the live one; what it came to is kept, with a receipt."""

    async def work(house: House) -> None:
        command = RunBackTest(await _owner(house, key), name, int(weeks))
        test = await house.detector_backtests.run(command, CONSOLE)
        click.echo(f"back-test {test.id}  {test.detector} beside {test.live}  receipt {test.receipt_id}")
        for what, found in test.found.items():
            click.echo(f"  {what.replace('_', ' ')}: {_words(found)}")
        click.echo(f"sha256 {test.digest}")

    in_house(work)


@detector.command()
@on_installation
@_back_test
@_reason
@_tenant
def shadow(test: UUID, reason: str, key: str | None) -> None:
    """Let the back-test's detector watch in shadow."""
    _set(key, Flag.SHADOW, reason, test)


@detector.command()
@on_installation
@_back_test
@_reason
@_tenant
def promote(test: UUID, reason: str, key: str | None) -> None:
    """Make the detector that watches in shadow the live one."""
    _set(key, Flag.LIVE, reason, test)


@detector.command()
@on_installation
@_reason
@_tenant
def end(reason: str, key: str | None) -> None:
    """End the trial."""
    _set(key, Flag.SHADOW, reason, None)


@detector.command("step-back")
@on_installation
@_reason
@_tenant
def step_back(reason: str, key: str | None) -> None:
    """Take a promotion back."""
    _set(key, Flag.LIVE, reason, None)


@detector.command()
@on_installation
@_tenant
def show(key: str | None) -> None:
    """What watches now, and every decision."""

    async def work(house: House) -> None:
        await _show(house, await _owner(house, key))

    in_house(work)


def _set(key: str | None, flag: Flag, reason: str, test: UUID | None) -> None:
    async def work(house: House) -> None:
        tenant_id = await _owner(house, key)
        command = SetDetectorFlag(tenant_id, flag, test is not None, reason, test)
        await house.detector_flags.set(command, CONSOLE)
        await _show(house, tenant_id)

    in_house(work)


async def _owner(house: House, key: str | None) -> UUID:
    if key is None:
        return VENDOR_ID
    return (await house.tenants.by_key(CONSOLE, key, purpose="detectors")).id


async def _show(house: House, tenant_id: UUID) -> None:
    standing = await house.detector_flags.standing(CONSOLE, tenant_id)
    held = standing.detectors
    beside = "nothing" if held.shadow is None else str(held.shadow.detector)
    click.echo(f"live {held.live.detector}  in shadow {beside}")
    for each in standing.history:
        what = f"{each.flag.value.partition('_')[0]} {'on' if each.enabled else 'off'}"
        click.echo(
            f"{rfc3339(each.set_at)}  {each.detector}  {what}  {each.set_by}: {each.reason}"
            f"  receipt {each.receipt_id}"
        )


def _words(found: Sum) -> str:
    amounts = ", ".join(f"{currency} {amount:f}" for currency, amount in found.excess.items())
    return f"{found.anomalies} anomalies{f', {amounts}' if amounts else ''}"
