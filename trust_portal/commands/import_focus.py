"""``import focus``: a cloud's or a supplier's cost export becomes usage of the tenants it belongs to."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from trust_portal.access.actors import CONSOLE
from trust_portal.commands.console import in_house, on_installation
from trust_portal.cost.metering.focus import FocusOutcome, ImportFocus
from trust_portal.house import House

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHOWN: Final = 20


@click.command("focus")
@on_installation
@click.argument("file", type=_FILE)
@click.option(
    "--tenant-from", metavar="PLACE", help="tag:NAME or column:NAME  [default: as the mapping says]."
)
@click.option(
    "--mapping", type=_FILE, help="How rows are read (YAML)  [default: FOCUS_MAPPING, or as shipped]."
)
@click.option(
    "--unmapped",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every unmapped row to this CSV.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def focus(
    *, file: Path, tenant_from: str | None, mapping: Path | None, unmapped: Path | None, as_json: bool
) -> None:
    """Bring in the FOCUS cost export in FILE (1.0 to 1.3, CSV or Parquet).

    Rows that say nothing of a known tenant or of a mapped service are listed and stay out; what was
    brought in before is recognised, and corrected where it says something else now. Exit status 0 when every mapped row is stored, 2 when the door
    refused some.
    """

    async def work(house: House) -> None:
        outcome = await house.focus.import_file(ImportFocus(file, tenant_from, mapping), CONSOLE)
        if unmapped is not None:
            _write(unmapped, outcome)
        if as_json:
            click.echo(json.dumps(_json(outcome), indent=2, ensure_ascii=False))
        else:
            _tell(outcome, listed=unmapped is None)
        if outcome.refused:
            sys.exit(2)

    in_house(work)


def _tell(outcome: FocusOutcome, *, listed: bool) -> None:
    click.echo(
        f"{outcome.rows} rows: {outcome.mapped} mapped ({outcome.corrections} corrections), "
        f"{sum(outcome.unmapped_by_code.values())} unmapped"
    )
    click.echo(
        f"{outcome.accepted} hours of usage accepted ({outcome.restated} of them restated), "
        f"{outcome.duplicates} duplicates"
    )
    if outcome.rounded:
        click.echo(f"{outcome.rounded} costs had more than 12 decimals and were rounded")
    if outcome.hours_to_come:
        click.echo(
            f"{outcome.hours_to_come} hours are still to come: import the file again after its periods"
        )
    for code, count in outcome.unmapped_by_code.most_common():
        click.echo(f"  {code}: {count} rows", err=True)
    for currency, amount in sorted(outcome.unmapped_cost.items()):
        click.echo(f"  unmapped cost: {amount:f} {currency}", err=True)
    if listed:
        for each in outcome.unmapped[:_SHOWN]:
            click.echo(f"row {each.row}: {each.code}: {each.message}", err=True)
        if len(outcome.unmapped) > _SHOWN:
            click.echo(
                f"… and {len(outcome.unmapped) - _SHOWN} more; --unmapped FILE.csv lists all of them",
                err=True,
            )


def _write(path: Path, outcome: FocusOutcome) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "code", "message"))
        writer.writerows((each.row, each.code, each.message) for each in outcome.unmapped)


def _json(outcome: FocusOutcome) -> dict[str, Any]:
    return {
        "rows": outcome.rows,
        "mapped": outcome.mapped,
        "corrections": outcome.corrections,
        "rounded": outcome.rounded,
        "hours_to_come": outcome.hours_to_come,
        "accepted": outcome.accepted,
        "restated": outcome.restated,
        "duplicates": outcome.duplicates,
        "unmapped": [
            {"row": each.row, "code": each.code, "message": each.message} for each in outcome.unmapped
        ],
        "unmapped_by_code": dict(outcome.unmapped_by_code),
        "unmapped_cost": {currency: f"{amount:f}" for currency, amount in outcome.unmapped_cost.items()},
    }
