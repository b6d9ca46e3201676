"""Whatever stands in a bundle's files, recomputing and attesting answer in words and never with a traceback."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest

from trust_portal.evidence.verdict import NotRecomputable
from trust_portal.reliability.recompute import recompute_sla_report
from trust_portal.reliability.reports.attestation import attest
from trust_portal.reliability.reports.model import ENGINE, FORMAT

REPORT = json.dumps(
    {
        "format": FORMAT,
        "engine": ENGINE,
        "attested_findings": [],
        "period": {"label": "2026-10"},
        "tenant": {"name": "t"},
        "vendor": "v",
    }
).encode()
CONTRACT = b"""\
tenant: acme
version: "1"
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    tiers: [{to: "99.9", credit_percent: "10"}]
"""
GOOD = {
    "report.json": REPORT,
    "inputs/contract.yaml": CONTRACT,
    "inputs/exclusions.json": b"[]",
    "inputs/measurements.csv": b"objective,time,total,good\napi,2026-10-01T00:00:00Z,1,1\n",
}
PARQUET = io.BytesIO()
pl.read_csv(GOOD["inputs/measurements.csv"]).write_parquet(PARQUET)
DOUBLED = b"objective,time,total,good, good\na,2026-10-01T00:00:00Z,1,1,1\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("report.json", b"[" * 200_000),
        ("report.json", b"[]"),
        ("report.json", b"\xff"),
        ("report.json", b'{"attested_findings":[1]}'),
        ("report.json", b'{"attested_findings":' + b"9" * 5000 + b"}"),
        ("report.json", b'{"format":"1",' + REPORT[1:]),
        ("inputs/contract.yaml", b"[" * 5000),
        ("inputs/contract.yaml", b"\xff\xfe"),
        ("inputs/measurements.csv", DOUBLED),
        ("inputs/measurements.csv", b""),
        ("inputs/measurements.csv", b"PAR1"),
        ("inputs/measurements.csv", PARQUET.getvalue()),
        ("inputs/exclusions.json", b"[" * 5000),
        ("inputs/exclusions.json", b"[1]"),
    ],
)
def test_a_hostile_file_is_named(name: str, content: bytes) -> None:
    files = GOOD | {name: content}
    with pytest.raises(NotRecomputable) as told:
        recompute_sla_report(files)
    assert told.value.file == name
    assert attest(files).gaps
    assert attest({**files, "receipts/x.dsse.json": content}).gaps
