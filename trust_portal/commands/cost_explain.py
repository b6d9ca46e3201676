"""``trust-portal cost explain``: which parts of a table make up the difference, without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from trust_portal.cost.explanation.attribution import attribute
from trust_portal.cost.explanation.model import Attribution
from trust_portal.cost.explanation.table import read_table


@click.command()
@click.option(
    "--series",
    "series_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="CSV file: dimension columns, expected, actual.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(series_file: Path, as_json: bool) -> None:
    """Explain the difference between expected and actual cost in a table.

    Contributions and the unexplained rest add up to the difference exactly.
    """
    attribution = attribute(read_table(series_file.read_bytes()))
    if as_json:
        # Amounts are numbers with all their decimal digits, not nearest doubles.
        encoded = msgspec.json.Encoder(decimal_format="number").encode(attribution_json(attribution))
        click.echo(msgspec.json.format(encoded, indent=2).decode())
        return
    click.echo(f"delta: {attribution.delta:f}")
    for cause in attribution.causes:
        where = ", ".join(f"{column} = {value or '(none)'}" for column, value in cause.where.items())
        share = "" if cause.share is None else f" ({cause.share:.1%} of the delta)"
        click.echo(f"  {cause.contribution:+f}{share}  {where or 'everything'}")
        click.echo(
            f"      {cause.expected:f} expected, {cause.actual:f} actual in {cause.rows} rows; "
            f"confidence {cause.confidence:.2f}"
        )
    click.echo(f"unexplained: {attribution.unexplained:f}")


def attribution_json(attribution: Attribution) -> dict[str, Any]:
    """The published form; amounts stay ``Decimal``."""
    return {
        "delta": attribution.delta,
        "causes": [
            {
                "where": dict(cause.where),
                "contribution": cause.contribution,
                "share": cause.share,
                "confidence": cause.confidence,
                "expected": cause.expected,
                "actual": cause.actual,
                "rows": cause.rows,
            }
            for cause in attribution.causes
        ],
        "unexplained": attribution.unexplained,
    }
