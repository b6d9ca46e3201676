"""``trust-portal sla preview`` as other people's scripts meet it: files in, one JSON object and a status out."""

import io
import json

import polars as pl
import pytest
from click.testing import CliRunner

from trust_portal.commands.sla import sla

CONTRACT = """\
tenant: acme
version: 1
effective_from: 2026-01-01
currency: EUR
fee: "1000.00"
combine: max
exclusions: {notice_hours: 24}
slas:
  - objective: api
    target: "99.9"
    slice_rule: error_ratio > 0.05
    cap_percent: 20
    tiers:
      - {from: 99.0, from_inclusive: true, to: 99.9, to_inclusive: false, credit_percent: 10}
      - {from: 0, from_inclusive: true, to: 99.0, to_inclusive: false, credit_percent: 25}
"""
EXCLUSIONS = """\
- window: MW-1
  start: 2026-06-01T00:00:00Z
  end: 2026-06-01T01:00:00Z
  announced_at: 2026-05-20T00:00:00Z
  reason: upgrade
"""


def june(down):
    minutes = pl.datetime_range(
        pl.datetime(2026, 6, 1), pl.datetime(2026, 7, 1), "1m", closed="left", eager=True
    )
    good = [0] * down + [100] * (43_200 - down)
    return pl.DataFrame({"objective": "api", "time": minutes, "total": 100, "good": good})


def csv(frame):
    return frame.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ").encode()


@pytest.fixture
def preview(tmp_path):
    def run(measurements, *, contract=CONTRACT, exclusions=None, period="2026-06", as_json=True):
        (tmp_path / "contract.yaml").write_text(contract)
        (tmp_path / "measurements").write_bytes(measurements)
        command = ["preview", "--contract", str(tmp_path / "contract.yaml"), "--period", period]
        command += ["--measurements", str(tmp_path / "measurements"), *(["--json"] if as_json else [])]
        if exclusions is not None:
            (tmp_path / "exclusions.yaml").write_text(exclusions)
            command += ["--exclusions", str(tmp_path / "exclusions.yaml")]
        result = CliRunner().invoke(sla, command)
        return result.exit_code, json.loads(result.stdout) if as_json else result.stdout

    return run


def test_a_result_has_the_documented_shape_and_status_zero(preview):
    status, answer = preview(csv(june(500)), exclusions=EXCLUSIONS)
    assert status == 0
    assert answer["state"] == "ok"
    assert {key: answer["period"][key] for key in ("start", "end", "minutes")} == {
        "start": "2026-06-01T00:00:00Z",
        "end": "2026-07-01T00:00:00Z",
        "minutes": 43200,
    }
    (entry,) = answer["slas"]
    assert entry["objective"] == "api"
    assert {key: entry["attained"][key] for key in ("numerator", "denominator", "percent")} == {
        "numerator": 42760,
        "denominator": 43200,
        "percent": "98.981481",
    }
    assert entry["down_minutes"] == {"raw": 500, "adjusted": 440}
    assert (entry["met"], entry["tier"], entry["credit_percent"]) == (False, "[0, 99)", "25")
    credit = {key: answer["credit"][key] for key in ("percent", "uncapped", "amount", "currency")}
    assert credit == {"percent": "20", "uncapped": "25", "amount": "200.00", "currency": "EUR"}
    assert any(rule.startswith("exclusion.counted: MW-1") for rule in entry["rules"])
    assert answer["findings"] == []


def test_parquet_gives_the_same_answer_as_csv(preview):
    buffer = io.BytesIO()
    june(500).write_parquet(buffer)
    assert preview(buffer.getvalue()) == preview(csv(june(500)))


def test_a_gap_is_incomplete_with_status_three_and_no_credit(preview):
    status, answer = preview(csv(june(500)[:-60]))
    assert (status, answer["state"]) == (3, "incomplete")
    assert answer["slas"][0]["attained"] is None
    assert answer["credit"]["amount"] is None
    assert [finding["code"] for finding in answer["findings"]] == ["MISSING_DATA"]


def test_contradicting_samples_are_disputed_with_status_three(preview):
    again = june(500)[:1].with_columns(good=pl.lit(7))
    status, answer = preview(csv(pl.concat([june(500), again.cast(june(1).schema)])))
    assert (status, answer["state"], answer["findings"][0]["where"]) == (3, "disputed", "api")


def test_a_refused_contract_has_status_two_and_says_where(preview):
    status, answer = preview(
        csv(june(0)), contract=CONTRACT.replace("to: 99.9,", "to: 99.8,") + "    colour: red\n"
    )
    assert (status, answer["state"]) == (2, "refused")
    assert {(each["code"], each["where"]) for each in answer["findings"]} == {
        ("FIELD_UNKNOWN", "slas[0].colour")
    }
    status, answer = preview(csv(june(0)), contract=CONTRACT.replace("to: 99.9,", "to: 99.8,"))
    assert (status, answer["findings"][0]["code"]) == (2, "TIER_GAP")
    assert "[99.8, 99.9)" in answer["findings"][0]["message"]


@pytest.mark.parametrize(
    "change, code",
    [
        ({"measurements": b"objective,time\n"}, "COLUMN_MISSING"),
        ({"period": "2026-13"}, "INVALID"),
        ({"period": "2026-Q2"}, "PERIOD_MISMATCH"),
        ({"period": "2025-12"}, "CONTRACT_NOT_IN_FORCE"),
        ({"exclusions": "- {window: X}"}, "FIELD_MISSING"),
        ({"exclusions": EXCLUSIONS.replace("T01", "T00")}, "EXCLUSION_EMPTY"),
        ({"exclusions": EXCLUSIONS + "  colour: red\n"}, "FIELD_UNKNOWN"),
        ({"contract": "slas: ["}, "DOCUMENT_MALFORMED"),
    ],
)
def test_what_is_refused_has_status_two_and_a_code(preview, change, code):
    status, answer = preview(**({"measurements": csv(june(0))} | change))
    assert (status, answer["state"], answer["findings"][0]["code"]) == (2, "refused", code)


def test_without_json_it_is_readable(preview):
    status, text = preview(csv(june(500)), as_json=False)
    assert status == 0
    assert "98.842592 % (42700 / 43200), target 99.9 % missed" in text
    assert "credit: 20 % (before caps 25 %) = 200.00 EUR" in text


@pytest.mark.parametrize("option", ["--contract", "--measurements", "--exclusions"])
@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_json_with_a_finding_too(tmp_path, option, kind):
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    (tmp_path / "measurements").write_bytes(csv(june(0)))
    (tmp_path / "exclusions.yaml").write_text(EXCLUSIONS)
    named = {
        "--contract": tmp_path / "contract.yaml",
        "--measurements": tmp_path / "measurements",
        "--exclusions": tmp_path / "exclusions.yaml",
        option: tmp_path / "nowhere" if kind == "missing" else tmp_path,
    }
    command = ["preview", "--period", "2026-06", "--json"]
    result = CliRunner().invoke(sla, [*command, *(str(part) for pair in named.items() for part in pair)])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["state"]) == (2, "refused")
    assert [(each["code"], each["where"]) for each in answer["findings"]] == [("FILE_UNREADABLE", option)]
