"""``cost backtest`` as its format promises, on public series with labels (NAB, MIT licence)."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from trust_portal.commands.cost import cost

pytestmark = pytest.mark.takes(seconds=15)

NAB = Path(__file__).parent.parent / "data" / "nab"
ANY = ("--any-scale", "--direction", "both")


def _backtest(file, *options):
    answer = CliRunner().invoke(cost, ["backtest", "--series", str(file), *options], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.output


def _moments(file):
    return [a["detected_at"] for a in json.loads(_backtest(file, "--json", *ANY))["anomalies"]]


def test_the_answer_has_the_promised_fields():
    answer = json.loads(_backtest(NAB / "realAWSCloudwatch/rds_cpu_utilization_e47b3b.csv", "--json", *ANY))
    assert answer["detector"] == {"name": "own-tail", "version": "2"}
    first = answer["anomalies"][0]
    assert {
        "tenant", "subsystem", "detected_at", "start", "peak", "end", "expected", "actual", "score", "severity"
    } <= set(first)  # fmt: skip
    assert first["tenant"] is None
    assert datetime.fromisoformat(first["start"]) <= datetime.fromisoformat(first["detected_at"])


def test_both_labelled_windows_of_a_database_are_found():
    found = _moments(NAB / "realAWSCloudwatch/rds_cpu_utilization_e47b3b.csv")
    assert any("2014-04-12T22:32" <= moment <= "2014-04-13T15:12" for moment in found)
    assert any("2014-04-18T15:07" <= moment <= "2014-04-19T07:47" for moment in found)


def test_a_daily_peak_that_does_not_come_is_found():
    found = _moments(NAB / "artificialWithAnomaly/art_daily_nojump.csv")
    assert any("2014-04-10T16:15" <= moment <= "2014-04-12T01:45" for moment in found)


def test_a_noisy_day_that_repeats_raises_nothing():
    assert _moments(NAB / "artificialNoAnomaly/art_daily_small_noise.csv") == []


def test_people_get_a_line_per_anomaly(tmp_path):
    rows = [f"acme,compute,2026-03-{1 + h // 24:02}T{h % 24:02}:00:00Z,{10 + h % 3}" for h in range(480)]
    rows[300] = rows[300].rsplit(",", 1)[0] + ",900"
    file = tmp_path / "series.csv"
    file.write_text("tenant,subsystem,time,value\n" + "\n".join(rows) + "\n")
    text = _backtest(file)
    assert text.splitlines()[0] == "own-tail@2: 1 anomalies"
    assert text.splitlines()[1].startswith("acme/compute  2026-03-13T12:00:00Z – ")
    thresholds = tmp_path / "thresholds.yaml"
    thresholds.write_text("min_impact: 5000\n")
    assert _backtest(file, "--thresholds", str(thresholds)) == "own-tail@2: 0 anomalies\n"
