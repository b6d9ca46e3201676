"""``sla run``: every tenant's SLA report of a period, or one tenant's."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.house import House
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.runs.model import Outcome, Progress, RunState, StartRun

_LOOK = 0.3


@click.command("run")
@on_installation
@click.option("--period", required=True, help="A month (2026-06) or a quarter (2026-Q2) that is over.")
@click.option("--tenant", metavar="KEY", help="Only this tenant's report, at once and outside any run.")
@click.option("--reason", help="Why a signed report is issued again (with --tenant).")
@click.option("--wait/--no-wait", default=True, help="Follow the run to its end  [default: wait].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(*, period: str, tenant: str | None, reason: str | None, wait: bool, as_json: bool) -> None:
    """Issue the SLA reports of PERIOD: a run over all tenants, done by the workers.

    A run under way is joined; a complete one is taken up again for the tenants without a report.
    Exit status 0 when every tenant has its report, 3 when some have none or one that no longer holds
    (the reasons are printed), 2 when the request is refused.
    """

    async def work(house: House) -> None:
        if tenant is not None:
            found = await house.tenants.by_key(CONSOLE, tenant, purpose=f"SLA report {period}")
            report = await house.reports.issue(IssueReport(found.id, period, reason), CONSOLE)
            _print(_report_json(tenant, report), _report_words(tenant, report), as_json=as_json)
            sys.exit(0 if report.state is State.OK else 3)
        started = await house.runs.start(StartRun(period), CONSOLE)
        progress = await _follow(house, period, quiet=as_json) if wait else None
        progress = progress or await house.runs.progress(CONSOLE, started.period)
        _print(_run_json(progress), _run_words(progress), as_json=as_json)
        sys.exit(3 if progress.run.state is RunState.COMPLETE and progress.not_issued else 0)

    in_house(work)


async def _follow(house: House, period: str, *, quiet: bool) -> Progress:
    """Until the run is complete, or only waits for tenants whose period is not over yet."""
    shown = -1
    while True:
        progress = await house.runs.progress(CONSOLE, period)
        if not quiet and progress.done != shown:
            shown = progress.done
            click.echo(f"{shown} of {progress.total} tenants", err=True)
        if progress.run.state is RunState.COMPLETE or (
            progress.run.state is RunState.RUNNING and progress.only_waits(house.clock.now())
        ):
            return progress
        await asyncio.sleep(_LOOK)


def _run_json(progress: Progress) -> dict[str, Any]:
    return {
        "period": progress.run.period,
        "run": str(progress.run.id),
        "state": progress.run.state.value,
        "attempt": progress.run.attempt,
        "done": progress.done,
        "total": progress.total,
        "counts": progress.counts,
        "tenants": [
            {
                "tenant": each.tenant_key,
                "outcome": each.outcome.value,
                "report": None if each.report_id is None else str(each.report_id),
                "revision": each.revision,
                "reason": each.reason,
            }
            for each in progress.tenants
        ],
    }


def _run_words(progress: Progress) -> str:
    lines = [f"run {progress.run.period}: {progress.run.state.value}, attempt {progress.run.attempt}"]
    if not progress.total and progress.run.state is RunState.COMPLETE:
        lines.append(
            f"  0 customers were served in {progress.run.period}: a customer has reports from its first day of"
            " service on (`trust-portal tenants add --onboarded`)"
        )
    for each in progress.tenants:
        what = each.outcome.value.replace("_", " ")
        if each.revision is not None:
            what += f", revision {each.revision}"
        if each.outcome is Outcome.PENDING:
            what += f", due {each.due_at:%Y-%m-%d %H:%M} UTC"
        lines.append(f"  {each.tenant_key}: {what}{f': {each.reason}' if each.reason else ''}")
    return "\n".join(lines)


def _report_json(tenant: str, report: StoredReport) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "period": report.period,
        "report": str(report.id),
        "state": report.state.value,
        "revision": report.revision,
        "sha256": report.sha256,
        "findings": [each.to_json() for each in report.findings],
    }


def _report_words(tenant: str, report: StoredReport) -> str:
    if report.state is State.OK:
        return f"{tenant} {report.period}: revision {report.revision}, sha256 {report.sha256}"
    return f"{tenant} {report.period}: {report.state.value}: {report.why}"


def _print(answer: dict[str, Any], words: str, *, as_json: bool) -> None:
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if as_json else words)
