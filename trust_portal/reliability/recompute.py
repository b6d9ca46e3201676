"""Derives a report's figures again from the files in its own bundle, and compares string for string.

Figures, not sentences: another wording of a rule is no other result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import polars.exceptions

from trust_portal.documents.csv import write_csv
from trust_portal.errors import InvalidInput
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch, NotRecomputable
from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.attainment.measurements import read_measurements
from trust_portal.reliability.contracts.document import parse_contract
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
    KIND,
    MEASUREMENTS_FILE,
    REPORT_FILE,
)
from trust_portal.reliability.reports.rows import csv_rows

_UNFIT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
#: Said by the issuer, not by the inputs: compared with nothing.
_NOT_DERIVED = ("revision", "restatement")
#: Sentences about figures that stand beside them.
_IN_WORDS = frozenset({"method", "text", "message", "why"})
_ABSENT = "(absent)"
_INPUT_FILES = (CONTRACT_FILE, CROSS_CHECK_FILE, EXCLUSIONS_FILE, MEASUREMENTS_FILE)


def recompute_sla_report(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every figure of ``report.json`` that the bundle's inputs do not lead to, and the table made of it.

    Raises ``NotRecomputable`` naming the file, and the key or row in it, that is missing or unusable.
    """
    with _reading(REPORT_FILE):
        reported = parse_json(_file(files, REPORT_FILE))
        _same_engine(reported)
        attested = [
            Finding(each["code"], each["message"], each["where"], Severity(each["severity"]))
            for each in reported["attested_findings"]
        ]
        label, tenant, vendor = reported["period"]["label"], reported["tenant"]["name"], reported["vendor"]
    with _reading(CONTRACT_FILE):
        contract = parse_contract(_file(files, CONTRACT_FILE))
    with _reading(MEASUREMENTS_FILE):
        measurements = read_measurements(_file(files, MEASUREMENTS_FILE))
    with _reading(EXCLUSIONS_FILE):
        exclusions = parse_exclusions(_file(files, EXCLUSIONS_FILE))
    readings: Mapping[str, SourceReading] | None = None
    if reported["format"] != "1":
        with _reading(CROSS_CHECK_FILE):
            found_readings = read_readings(files.get(CROSS_CHECK_FILE, b"[]"))
            readings = {each.objective: each for each in found_readings}
    with _reading(CONTRACT_FILE):
        attained = attained_by(contract, measurements, exclusions, label)
    with _reading(CROSS_CHECK_FILE):
        assessment = conclude(contract, attained, measurements, further=attested, readings=readings)
    with _reading(REPORT_FILE):
        derived = report_body(
            assessment,
            {name: files[name] for name in _INPUT_FILES if name in files},
            attested,
            tenant_name=tenant,
            vendor_name=vendor,
            format_=reported["format"],
        )
    claimed = {key: value for key, value in reported.items() if key not in _NOT_DERIVED}
    found = [
        Mismatch(REPORT_FILE, path, claim, figure)
        for path, claim, figure in _differences("$", claimed, derived)
    ]
    with _reading(REPORT_FILE):
        rows = csv_rows(reported)
        table = write_csv(next(rows), rows)
    return found + _table_differs(files.get(CSV_FILE, table), table)


def _same_engine(reported: Mapping[str, Any]) -> None:
    """Figures of another engine or format are not wrong: they are not for this one to judge."""
    for name, ours in (("format", FORMATS), ("engine", (ENGINE,))):
        if reported[name] not in ours:
            raise NotRecomputable(
                f"made by {_text(reported[name])}, this version calculates as {_text(ours[-1])}",
                file=REPORT_FILE,
                field=name,
            )


def _table_differs(claimed: bytes, table: bytes) -> list[Mismatch]:
    """The first line of the CSV that does not follow from ``report.json``."""
    if claimed == table:
        return []
    lines = zip_longest(claimed.split(b"\r\n"), table.split(b"\r\n"), fillvalue=_ABSENT.encode())
    number, (line, made) = next((at, pair) for at, pair in enumerate(lines, 1) if pair[0] != pair[1])
    return [
        Mismatch(CSV_FILE, f"line {number}", line.decode(errors="replace"), made.decode(errors="replace"))
    ]


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise NotRecomputable("is not in the bundle", file=name)
    return files[name]


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Says of whatever goes wrong inside in which file it did."""
    try:
        yield
    except InvalidInput as error:
        raise NotRecomputable(error.message, file=name, field=error.field or "") from error
    except KeyError as error:
        raise NotRecomputable("there is no such key", file=name, field=str(error.args[0])) from error
    except (*_UNFIT, polars.exceptions.PolarsError) as error:
        raise NotRecomputable(f"not what belongs here: {error}", file=name) from error


def _differences(path: str, claimed: Any, derived: Any) -> list[tuple[str, str, str]]:
    if isinstance(claimed, Mapping) and isinstance(derived, Mapping):
        keys = [*derived, *(key for key in claimed if key not in derived)]
        keys = [key for key in keys if key not in _IN_WORDS]
        return [
            each
            for key in keys
            for each in _differences(f"{path}.{key}", claimed.get(key, _ABSENT), derived.get(key, _ABSENT))
        ]
    if _is_list(claimed) and _is_list(derived):
        longest = max(len(claimed), len(derived))
        return [
            each
            for index in range(longest)
            for each in _differences(f"{path}[{index}]", _at(claimed, index), _at(derived, index))
        ]
    if type(claimed) is type(derived) and claimed == derived:
        return []
    return [(path, _text(claimed), _text(derived))]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


#: By document kind; what ``verify --recompute`` looks up.
RECOMPUTERS: Mapping[str, Callable[[Mapping[str, bytes]], Sequence[Mismatch]]] = {KIND: recompute_sla_report}
