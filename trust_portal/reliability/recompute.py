"""Derives a document's figures again from the files in its own bundle, and compares string for string."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch, NotRecomputable
from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.attainment.measurements import is_parquet, read_measurements
from trust_portal.reliability.comparison import file_in, mismatches, reading, same_engine, table_differs
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.credits.model import KIND as CREDIT_MEMO
from trust_portal.reliability.credits.recompute import recompute_credit_memo
from trust_portal.reliability.crosscheck.document import read_readings
from trust_portal.reliability.crosscheck.model import SourceReading
from trust_portal.reliability.findings import Finding, Severity
from trust_portal.reliability.reports.assessment import attained_by, conclude
from trust_portal.reliability.reports.document import report_body
from trust_portal.reliability.reports.model import (
    CONTRACT_FILE,
    CROSS_CHECK_FILE,
    CSV_FILE,
    ENGINE,
    EXCLUSIONS_FILE,
    FORMATS,
    MEASUREMENTS_FILE,
    REPORT_FILE,
)
from trust_portal.reliability.reports.model import KIND as SLA_REPORT
from trust_portal.reliability.reports.restatement import figures
from trust_portal.reliability.reports.rows import csv_rows

#: Said by the issuer, not by the inputs: the receipts say whether they are so. Of a restatement there
#: is derived what the report itself decides.
_NOT_DERIVED = ("revision", "restatement")
_INPUT_FILES = (CONTRACT_FILE, CROSS_CHECK_FILE, EXCLUSIONS_FILE, MEASUREMENTS_FILE)


def recompute_sla_report(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every figure of ``report.json`` that the bundle's inputs do not lead to, and the table made of it.

    Raises ``NotRecomputable`` naming the file, and the key or row in it, that is missing or unusable.
    """
    with reading(REPORT_FILE):
        reported = parse_json(file_in(files, REPORT_FILE))
        same_engine(reported, REPORT_FILE, engine=ENGINE, formats=FORMATS)
        attested = [
            Finding(each["code"], each["message"], each["where"], Severity(each["severity"]))
            for each in reported["attested_findings"]
        ]
        label, tenant, vendor = reported["period"]["label"], reported["tenant"]["name"], reported["vendor"]
    with reading(CONTRACT_FILE):
        contract = parse_contract(file_in(files, CONTRACT_FILE))
    with reading(MEASUREMENTS_FILE):
        measured = file_in(files, MEASUREMENTS_FILE)
        if is_parquet(measured):
            # A few bytes of it can be any number of rows; a bundle carries the CSV.
            raise NotRecomputable("is Parquet, not the canonical CSV", file=MEASUREMENTS_FILE)
        measurements = read_measurements(measured)
    with reading(EXCLUSIONS_FILE):
        exclusions = parse_exclusions(file_in(files, EXCLUSIONS_FILE))
    readings: Mapping[str, SourceReading] | None = None
    if reported["format"] != "1":
        with reading(CROSS_CHECK_FILE):
            answered = read_readings(files.get(CROSS_CHECK_FILE, b"[]"))
            readings = {each.objective: each for each in answered}
    with reading(CONTRACT_FILE):
        attained = attained_by(contract, measurements, exclusions, label)
    with reading(CROSS_CHECK_FILE):
        assessment = conclude(contract, attained, measurements, further=attested, readings=readings)
    with reading(REPORT_FILE):
        derived = report_body(
            assessment,
            {name: files[name] for name in _INPUT_FILES if name in files},
            attested,
            tenant_name=tenant,
            vendor_name=vendor,
            format_=reported["format"],
        )
    claimed = {key: value for key, value in reported.items() if key not in _NOT_DERIVED}
    found = mismatches(REPORT_FILE, claimed, derived)
    with reading(REPORT_FILE):
        found += _restatement_differs(reported, derived)
    with reading(REPORT_FILE):
        rows = csv_rows(reported)
        table = write_csv(next(rows), rows)
    return found + table_differs(CSV_FILE, files.get(CSV_FILE), table)


def _restatement_differs(reported: Mapping[str, Any], derived: Mapping[str, Any]) -> list[Mismatch]:
    """Where a restatement speaks of another revision than the one before, or of figures that are not now so."""
    restatement, revision = reported["restatement"], int(reported["revision"])
    if restatement is None:
        return mismatches(REPORT_FILE, revision, 1, "$.revision")
    before = restatement["supersedes"]["revision"]
    found = mismatches(REPORT_FILE, int(before), revision - 1, "$.restatement.supersedes.revision")
    now = figures(derived)
    for number, entry in enumerate(restatement["delta"]):
        path = f"$.restatement.delta[{number}]"
        found += mismatches(REPORT_FILE, entry["after"], now.get(entry["field"]), f"{path}.after")
        if entry["before"] == entry["after"]:
            found.append(Mismatch(REPORT_FILE, f"{path}.before", str(entry["before"]), "another figure"))
    return found


#: By document kind; what ``verify --recompute`` looks up.
RECOMPUTERS: Mapping[str, Callable[[Mapping[str, bytes]], Sequence[Mismatch]]] = {
    SLA_REPORT: recompute_sla_report,
    CREDIT_MEMO: recompute_credit_memo,
}
