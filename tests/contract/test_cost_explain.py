"""``trust-portal cost explain`` as other people's scripts meet it: a file in, one JSON object out."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

TABLE = """\
region,operation,adapter,expected,actual
eu,export,s3,10.10,100.05
eu,read,s3,20,20
us,export,s3,11,11
us,read,s3,20,20.30
us,read,,3,3
ap,export,s3,0.1,0.1
ap,read,s3,5,5
"""


@pytest.fixture
def explain(tmp_path):
    def run(text, *options):
        (tmp_path / "table.csv").write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "trust_portal.cli", "cost", "explain", "--series", "table.csv", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_json_has_the_published_shape_and_adds_up_exactly(explain):
    result = explain(TABLE, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    answer = json.loads(result.stdout, parse_float=Decimal)
    assert list(answer) == ["delta", "causes", "unexplained"]
    assert answer["delta"] == Decimal("90.25")
    assert sum(each["contribution"] for each in answer["causes"]) + answer["unexplained"] == answer["delta"]
    first = answer["causes"][0]
    assert first["where"] == {"region": "eu", "operation": "export"}
    assert first["contribution"] == Decimal("89.95")
    assert list(first) == ["where", "contribution", "share", "confidence", "expected", "actual", "rows"]
    assert 0.99 < float(first["share"]) < 1
    assert 0 <= float(first["confidence"]) <= 1


def test_without_json_a_person_reads_the_same(explain):
    result = explain(TABLE)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "delta: 90.25"
    assert lines[1] == "  +89.95 (99.7% of the delta)  region = eu, operation = export"
    assert lines[-1].startswith("unexplained: ")


def test_a_file_without_the_amounts_is_refused_with_status_2(explain):
    result = explain("region,actual\neu,1\n", "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "trust-portal: series: the file has no column expected [INVALID]\n"
