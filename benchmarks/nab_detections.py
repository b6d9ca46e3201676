"""What the installed detector finds in a folder of NAB series, as the JSON NAB's scoring wants.

``python -m benchmarks.nab_detections FOLDER [NAME@VERSION] > detections.json``: one configuration for every
file, both directions, no money thresholds: the same as ``cost backtest --direction both --any-scale``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from trust_portal.cost.detection.replay import replay
from trust_portal.cost.detection.series_file import read_series
from trust_portal.cost.detection.versions import INSTALLED_VERSION, Version, version_named


def detections(folder: Path, version: Version = INSTALLED_VERSION) -> dict[str, list[str]]:
    """File below ``folder`` → moments of detection."""
    return {
        str(file.relative_to(folder)): [
            anomaly.detected_at.strftime("%Y-%m-%d %H:%M:%S")
            for series in read_series(file.read_bytes())
            for anomaly in replay(series.samples, any_scale=True, drops=True, version=version)
        ]
        for file in sorted(folder.glob("*/*.csv"))
    }


if __name__ == "__main__":
    named = [version_named(argument) for argument in sys.argv[2:]]
    json.dump(detections(Path(sys.argv[1]), *named), sys.stdout, indent=1)
