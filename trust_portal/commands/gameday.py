"""``trust-portal gameday``: a P1 and a P2 are played against a running installation."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trust_portal.learning.gameday.model import Report

#: Seconds between two looks.
_LOOK = 5.0


@click.command()
@click.option(
    "--url", required=True, envvar="TRUST_PORTAL_URL", show_envvar=True, help="Address of the portal."
)
@click.option(
    "--token",
    required=True,
    envvar="TRUST_PORTAL_TOKEN",
    show_envvar=True,
    help="API token of an SRE operator: scopes ingest (source gameday), operate and read.",
)
@click.option(
    "--tenant", metavar="KEY", help="The customer that both incidents name: one made for game days."
)
@click.option("--name", help="Of this game day, in the keys of its incidents  [default: the date and time].")
@click.option("--owner", metavar="EMAIL", help="Whose the P1 is  [default: nobody's by name].")
@click.option("--playbook", default="throttle-exports", show_default=True, help="What mitigates the P1.")
@click.option("--check", metavar="NAME", help="Play nothing anew: go on with this game day, and look.")
@click.option(
    "--wait",
    metavar="SECONDS",
    default=0,
    type=click.IntRange(0, 86_400),
    help="Look again until nothing is missing, at most so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def gameday(
    *,
    url: str,
    token: str,
    tenant: str | None,
    name: str | None,
    owner: str | None,
    playbook: str,
    check: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Play a P1 and a P2 through the doors of a running portal, and say whether both are covered.

    They are declared, something is refused, the P1 is mitigated by a playbook if one can be planned for the
    customer, and both are resolved. Each is covered once its postmortem is signed, which people do; what is
    missing is named, with who must do it and where.

    Exits 0 when both are covered and a playbook mitigated the P1, 4 when both are covered and none did, 3 when
    something is missing, 2 when it is refused or nobody answers.
    """
    from trust_portal.learning.gameday.doors import Doors  # noqa: PLC0415 - `--help` stays quick
    from trust_portal.learning.gameday.play import Game  # noqa: PLC0415

    if check is None and tenant is None:
        raise click.UsageError("name the customer with --tenant, or a game day that was played with --check")
    if check is not None and (tenant or name or owner):
        raise click.UsageError("--check looks at what was played; it takes no --tenant, --name or --owner")
    end = time.monotonic() + wait
    with Doors(url, token) as doors:
        if tenant is not None:
            called = name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
            report = Game(doors, called).play(tenant, owner, playbook)
        else:
            report = Game(doors, str(check)).go_on()
        while not report.complete and time.monotonic() < end:
            time.sleep(min(_LOOK, max(end - time.monotonic(), 0)))
            report = Game(doors, report.name).go_on()
    click.echo(json.dumps(report.json(), indent=2) if as_json else _words(report))
    sys.exit(report.exit_status)


def _words(report: Report) -> str:
    lines = [f"Game day {report.name}: {report.covered} of {len(report.standings)} covered"]
    for each in report.standings:
        seen = each.seen
        postmortem = (
            ("no postmortem" if seen.declared else "not declared")
            if seen.state is None
            else f"postmortem {seen.state.lower().replace('_', ' ')}"
        )
        facts = f"refusals {seen.denials}, receipts of playbooks {seen.receipts}"
        lines += [
            f"{'✓' if each.covered else '✗'} {seen.severity} {seen.key}: {postmortem}; {facts}",
            f"    {seen.page}",
        ]
        lines += [f"    missing: {owed.what} · {owed.who} · {owed.where}" for owed in each.owing]
    lines += [f"note: {note}" for note in report.notes]
    if report.complete and not report.by_playbook:
        lines.append("note: the P1 was mitigated, not by a playbook")
    if not report.complete:
        lines.append(f"look again: trust-portal gameday --check {report.name}")
    return "\n".join(lines)
