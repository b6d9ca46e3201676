"""``trust-portal cost``: detection and explanation on files, without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from trust_portal.cost.detection.model import Anomaly
from trust_portal.cost.detection.replay import replay
from trust_portal.cost.detection.series_file import NamedSeries, read_series
from trust_portal.cost.detection.thresholds import INSTALLED, Thresholds
from trust_portal.cost.detection.versions import INSTALLED_VERSION, VERSIONS, version_named
from trust_portal.errors import InvalidInput
from trust_portal.kernel.clock import rfc3339

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def cost() -> None:
    """Cost: try detection and explanation on history; stop what is done about it."""


@cost.command()
@click.option(
    "--series", "series_file", type=_FILE, required=True, help="CSV: [tenant,subsystem,]time,value."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--direction", type=click.Choice(("up", "both")), default="up", help="both: drops as well.")
@click.option("--any-scale", is_flag=True, help="The series is not money: no money thresholds.")
@click.option(
    "--thresholds", "thresholds_file", type=_FILE, help="Thresholds to try instead of the installed (YAML)."
)
@click.option("--detector", default=str(INSTALLED_VERSION.detector), type=click.Choice(tuple(VERSIONS)))
def backtest(
    series_file: Path,
    as_json: bool,
    direction: str,
    any_scale: bool,
    thresholds_file: Path | None,
    detector: str,
) -> None:
    """Replay series through the live detector and print what it would have raised.

    Streaming: nothing after a sample has any influence on what was raised at it.
    """
    version = version_named(detector)
    thresholds = _thresholds(thresholds_file)
    found = [
        (series, anomaly)
        for series in read_series(series_file.read_bytes())
        for anomaly in replay(
            series.samples, thresholds, any_scale=any_scale, drops=direction == "both", version=version
        )
    ]
    name = {"name": version.detector.name, "version": version.detector.version}
    entries = [_json(series, anomaly) for series, anomaly in found]
    if as_json:
        click.echo(
            json.dumps(
                {"detector": name, "anomalies": entries}, indent=2, ensure_ascii=False, allow_nan=False
            )
        )
        return
    click.echo(f"{version.detector}: {len(found)} anomalies")
    for entry in entries:
        click.echo(_line(entry))


def _thresholds(file: Path | None) -> Thresholds:
    if file is None:
        return INSTALLED
    try:
        changes = yaml.safe_load(file.read_bytes())
    except yaml.YAMLError:
        raise InvalidInput("not a YAML file", field="thresholds") from None
    if not isinstance(changes, dict):
        raise InvalidInput("the file is a mapping of threshold to number", field="thresholds")
    return INSTALLED.with_changes(changes)


def _json(series: NamedSeries, anomaly: Anomaly) -> dict[str, Any]:
    return {
        "tenant": series.tenant,
        "subsystem": series.subsystem,
        "detected_at": rfc3339(anomaly.detected_at),
        "start": rfc3339(anomaly.start),
        "peak": rfc3339(anomaly.peak),
        "end": None if anomaly.end is None else rfc3339(anomaly.end),
        "expected": round(anomaly.expected, 6),
        "actual": round(anomaly.actual, 6),
        "score": round(anomaly.score, 4),
        "severity": anomaly.severity.value,
        "direction": anomaly.direction.value,
        "reason": anomaly.reason.value,
        "confidence": round(anomaly.confidence, 4),
    }


def _line(entry: dict[str, Any]) -> str:
    whose = f"{entry['tenant']}/{entry['subsystem']}  " if entry["tenant"] else ""
    return (
        f"{whose}{entry['start']} – {entry['end'] or 'now'}  peak {entry['peak']}, detected {entry['detected_at']}  "
        f"expected {entry['expected']:,.2f}, actual {entry['actual']:,.2f}  "
        f"score {entry['score']:.2f}  {entry['severity']} ({entry['reason']}, {entry['direction']})"
    )
