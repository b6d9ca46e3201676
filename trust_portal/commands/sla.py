"""``trust-portal sla``: what a contract comes to on a file of measurements, without a database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.attainment.measurements import read_measurements
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.findings import Finding, Severity, State, Unusable
from trust_portal.reliability.reports.assessment import assess, widened
from trust_portal.reliability.reports.preview import preview_json, refused_json

_FILE = click.Path(path_type=Path)


@click.group()
def sla() -> None:
    """Service levels: preview a contract on a file; issue the reports of a month or quarter."""


@sla.command()
@click.option("--contract", "contract_file", type=_FILE, required=True, help="Contract document (YAML).")
@click.option("--measurements", "measurements_file", type=_FILE, required=True, help="CSV or Parquet file.")
@click.option("--exclusions", "exclusions_file", type=_FILE, help="Exclusions (YAML list).")
@click.option("--period", required=True, help="A month (2026-06) or a quarter (2026-Q2).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def preview(
    contract_file: Path, measurements_file: Path, exclusions_file: Path | None, period: str, as_json: bool
) -> None:
    """Evaluate one contract on one file of measurements.

    Exit status: 0 for a result, 3 if it is incomplete or disputed, 2 if a file is refused.
    """
    try:
        parse_period(period, "UTC")
        contract = parse_contract(_read(contract_file, "--contract"))
        label, notes = widened(contract, period)
        assessment = assess(
            contract,
            read_measurements(_read(measurements_file, "--measurements")),
            parse_exclusions(_read(exclusions_file, "--exclusions")) if exclusions_file else (),
            label,
            further=notes,
        )
    except Unusable as error:
        _print(refused_json(error.findings), as_json)
        sys.exit(2)
    except InvalidInput as error:
        _print(
            refused_json([Finding(error.code, error.message, error.field or "$", Severity.REFUSED)]), as_json
        )
        sys.exit(2)
    _print(preview_json(assessment), as_json)
    sys.exit(0 if assessment.state is State.OK else 3)


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror}", field=option, code="FILE_UNREADABLE"
        ) from error


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    click.echo(f"state: {answer['state']}")
    for entry in answer.get("slas", ()):
        click.echo(f"\n{entry['objective']}: {_words(entry)}")
        for rule in entry["rules"]:
            click.echo(f"  - {rule}")
    credit = answer.get("credit")
    if credit and credit["amount"] is not None:
        capped = "" if credit["percent"] == credit["uncapped"] else f" (before caps {credit['uncapped']} %)"
        click.echo(f"\ncredit: {credit['percent']} %{capped} = {credit['amount']} {credit['currency']}")
    if answer["findings"]:
        click.echo("\nfindings:")
    for finding in answer["findings"]:
        click.echo(f"  - {finding['code']} [{finding['severity']}] {finding['message']}")


def _words(entry: dict[str, Any]) -> str:
    attained, minutes = entry["attained"], entry["down_minutes"]
    if attained is None:
        return f"not established (target {entry['target']} %)"
    verdict = "met" if entry["met"] else "missed"
    return (
        f"{attained['percent']} % ({attained['numerator']} / {attained['denominator']}), "
        f"target {entry['target']} % {verdict}, down {minutes['adjusted']} min "
        f"({minutes['raw']} before exclusions), credit {entry['credit_percent']} %"
    )
