"""``trust-portal trust``: the Trust Reports of every customer for a period, and how far they are."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.trust.batches.model import BatchProgress, BatchState, BatchTally, Bundles, StartTrustBatch
from trust_portal.trust.report.model import Acknowledgement

_LOOK = 0.3
_PERIOD = click.option("--period", required=True, help="A month (2026-06) or a quarter (2026-Q2).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def trust() -> None:
    """Trust Reports: publish those of a period for every customer, and see how far that is."""


@trust.command()
@on_installation
@_PERIOD
@click.option(
    "--let-stand",
    "let_stand",
    type=(str, str, str),
    multiple=True,
    metavar="SECTION SEEN REASON",
    help="A part that is let stand although stale or missing, for every customer of which it says just that.",
)
@click.option("--wait/--no-wait", default=True, help="Follow the batch to its end  [default: wait].")
@_JSON
def batch(period: str, let_stand: tuple[tuple[str, str, str], ...], *, wait: bool, as_json: bool) -> None:
    """Publish the Trust Reports of a period that is over: a batch over all customers, done by the workers.

    A batch under way is joined, and refused where it lets stand less than is asked for here; a complete one is taken
    up again for the customers without a report. What is
    stale or missing blocks a report, and is printed by name: as much of it as was seen there, --let-stand takes.

    Exit status 0 when every customer has its report, 3 when some have none (the reasons are printed), 2 when
    the request is refused.
    """

    async def work(house: House) -> None:
        given = tuple(Acknowledgement(section, reason, seen) for section, seen, reason in let_stand)
        started = await house.trust_batches.start(StartTrustBatch(period, given), CONSOLE)
        if wait:
            await _follow(house, started.period, quiet=as_json)
        await _print(house, started.period, as_json=as_json)

    in_house(work)


@trust.command()
@on_installation
@_PERIOD
@_JSON
def progress(period: str, *, as_json: bool) -> None:
    """How far the batch of a period is, and why a customer has no report.

    Exit status as of `batch`.
    """

    async def work(house: House) -> None:
        await _print(house, period, as_json=as_json)

    in_house(work)


async def _follow(house: House, period: str, *, quiet: bool) -> None:
    """Until the batch is complete."""
    shown = -1
    while True:
        found = await house.trust_batches.tally(CONSOLE, period)
        if not quiet and found.done != shown:
            shown = found.done
            click.echo(f"{shown} of {found.total} customers", err=True)
        if found.batch.state is BatchState.COMPLETE:
            return
        await asyncio.sleep(_LOOK)


async def _print(house: House, period: str, *, as_json: bool) -> None:
    found = await house.trust_batches.progress(CONSOLE, period)
    tally = await house.trust_batches.tally(CONSOLE, period)
    click.echo(
        json.dumps(_json(found, tally), indent=2, ensure_ascii=False) if as_json else _words(found, tally)
    )
    sys.exit(3 if found.batch.state is BatchState.COMPLETE and found.without else 0)


def _json(found: BatchProgress, tally: BatchTally) -> dict[str, Any]:
    return {
        "period": found.batch.period,
        "batch": str(found.batch.id),
        "state": found.batch.state.value,
        "attempt": found.batch.attempt,
        "done": tally.done,
        "total": tally.total,
        "counts": found.counts,
        "bundles": asdict(tally.bundles),
        "tenants": [
            {
                "tenant": each.tenant_key,
                "outcome": each.outcome.value,
                "report": None if each.report_id is None else str(each.report_id),
                "reason": each.reason,
            }
            for each in found.tenants
        ],
    }


def _words(found: BatchProgress, tally: BatchTally) -> str:
    batch = found.batch
    head = f"batch {batch.period}: {batch.state.value}, attempt {batch.attempt}"
    each_of = [
        f"  {each.tenant_key}: {each.outcome.value}{f': {each.reason}' if each.reason else ''}"
        for each in found.tenants
    ]
    return "\n".join([f"{head}, {tally.done} of {tally.total} customers{_bundles(tally.bundles)}", *each_of])


def _bundles(of: Bundles) -> str:
    made = f", {of.made} of {of.asked} bundles made" if of.asked else ""
    return made + (f", {of.failed} broken off" if of.failed else "")
