"""The installed detector on 28 labelled public series (``tests/data/nab``, MIT licence), by NAB's own rule.

One configuration for all, streaming, money thresholds off, drops included; docs/detection.md says with what care
the figure is to be read.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.nab_detections import detections
from benchmarks.nab_score import Labelled, nab_score
from benchmarks.row import Row, at_least, context
from trust_portal.cost.detection.series_file import read_series

FOLDER = Path(__file__).parent.parent / "tests" / "data" / "nab"


def labelled(folder: Path = FOLDER) -> dict[str, Labelled]:
    """Every series by its file below ``folder``, with the windows of ``windows.json``."""
    windows = json.loads((folder / "windows.json").read_text())
    return {
        name: Labelled(
            [at for series in read_series((folder / name).read_bytes()) for at, _ in series.samples],
            [(_utc(first), _utc(last)) for first, last in spans],
        )
        for name, spans in windows.items()
    }


async def run() -> list[Row]:
    """Some 110,000 samples, one series at a time: half a minute of processor time."""
    found = {name: [_utc(each) for each in moments] for name, moments in detections(FOLDER).items()}
    outcome = nab_score(labelled(), found)
    right = outcome.found / (outcome.found + outcome.false_positives)
    return [
        at_least(
            "NAB, standard profile, 28 series", outcome.score, "", 67.7, "numentaTM's, tuned on the labels"
        ),
        context(f"NAB windows found, of {outcome.windows}", outcome.found, ""),
        context("NAB detections outside of every window", outcome.false_positives, ""),
        context("NAB recall by window", outcome.found / outcome.windows, ""),
        context("NAB precision, windows found of all that was raised", right, ""),
    ]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
