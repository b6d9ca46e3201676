"""Derives a report's figures again from the files in its own bundle, and compares string for string."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trust_portal.evidence.verdict import Mismatch
from trust_portal.reliability.attainment.exclusions import parse_exclusions
from trust_portal.reliability.attainment.measurements import read_measurements
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.findings import Finding, Severity
from trust_portal.reliability.reports.assessment import assess
from trust_portal.reliability.reports.document import report_body
from trust_portal.reliability.reports.model import (
    CONTRACT_FILE,
    EXCLUSIONS_FILE,
    KIND,
    MEASUREMENTS_FILE,
    REPORT_FILE,
)

#: Said by the issuer, not by the inputs: compared with nothing.
_NOT_DERIVED = ("revision", "restatement")
_ABSENT = "(absent)"


def recompute_sla_report(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every field of ``report.json`` that the bundle's inputs do not lead to.

    Raises ``KeyError`` for a missing file and ``InvalidInput`` or ``ValueError`` for unusable ones.
    """
    reported = json.loads(files[REPORT_FILE])
    attested = [
        Finding(each["code"], each["message"], each["where"], Severity(each["severity"]))
        for each in reported["attested_findings"]
    ]
    assessment = assess(
        parse_contract(files[CONTRACT_FILE]),
        read_measurements(files[MEASUREMENTS_FILE]),
        parse_exclusions(files[EXCLUSIONS_FILE]),
        reported["period"]["label"],
        further=attested,
    )
    derived = report_body(
        assessment,
        {name: files[name] for name in (CONTRACT_FILE, EXCLUSIONS_FILE, MEASUREMENTS_FILE)},
        attested,
        tenant_name=reported["tenant"]["name"],
        vendor_name=reported["vendor"],
    )
    claimed = {key: value for key, value in reported.items() if key not in _NOT_DERIVED}
    return [
        Mismatch(REPORT_FILE, path, claim, figure)
        for path, claim, figure in _differences("$", claimed, derived)
    ]


def _differences(path: str, claimed: Any, derived: Any) -> list[tuple[str, str, str]]:
    if isinstance(claimed, Mapping) and isinstance(derived, Mapping):
        keys = [*derived, *(key for key in claimed if key not in derived)]
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
