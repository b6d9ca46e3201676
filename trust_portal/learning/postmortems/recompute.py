"""Derives again what a postmortem's document follows from itself: verdicts of the rule, and the evidence table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch
from trust_portal.learning.postmortems.gathering.model import Change
from trust_portal.learning.postmortems.model import DOCUMENT_FILE, ENGINE, EVIDENCE_FILE, FORMAT
from trust_portal.learning.postmortems.rows import evidence_rows
from trust_portal.learning.postmortems.suspicion import Scope, suspicion
from trust_portal.reliability.comparison import file_in, mismatches, reading, same_engine, table_differs


def recompute_postmortem(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every verdict that does not follow from the times and scopes beside it, every fact without evidence.

    Raises ``NotRecomputable`` naming the file that is missing or unusable.
    """
    with reading(DOCUMENT_FILE):
        document = parse_json(file_in(files, DOCUMENT_FILE))
        same_engine(document, DOCUMENT_FILE, engine=ENGINE, formats=(FORMAT,))
        scope = _scope(document)
        found = [
            each
            for number, change in enumerate(document["changes"])
            for each in _verdict(number, change, scope)
        ]
        found += _evidenced(document)
        rows = evidence_rows(document)
        table = write_csv(next(rows), rows)
    return found + table_differs(EVIDENCE_FILE, files.get(EVIDENCE_FILE), table)


def _scope(document: Mapping[str, Any]) -> Scope:
    incident = document["incident"]
    return Scope(
        frozenset([incident["service"], *(each["service"] for each in incident.get("merged", ()))]),
        datetime.fromisoformat(incident["times"]["began"]),
        None if incident["everybody"] else frozenset(document["customers"]),
    )


def _verdict(number: int, stated: Mapping[str, Any], scope: Scope) -> Iterator[Mismatch]:
    change = Change(
        id=stated["id"],
        kind=stated["kind"],
        name=stated["name"],
        detail=stated["detail"],
        environment=stated["environment"],
        at=datetime.fromisoformat(stated["at"]),
        by=stated["by"],
        tenants=None if stated["tenants"] is None else tuple(stated["tenants"]),
        source="",
        event_id="",
        sha256="",
    )
    ruled = suspicion(change, scope)
    rule = {"id": ruled.rule, "verdict": ruled.verdict.value, "reason": ruled.reason}
    yield from mismatches(DOCUMENT_FILE, stated["rule"], rule, f"$.changes[{number}].rule")
    if stated["judged_by"] is None and stated["verdict"] != ruled.verdict.value:
        place = f"$.changes[{number}].verdict"
        yield Mismatch(DOCUMENT_FILE, place, stated["verdict"], ruled.verdict.value)


def _evidenced(document: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Facts and evidence name each other by id, without one left over."""
    vendor = [each["id"] for part in ("timeline", "changes", "denials") for each in document[part]]
    yield from _same_ids("$.evidence", document["evidence"], vendor)
    for key, customer in document["customers"].items():
        parts = ("sla", "cost", "denial", "mitigation")
        own = [each["id"] for part in parts for each in customer[part]]
        yield from _same_ids(f"$.customers.{key}.evidence", customer["evidence"], own)


def _same_ids(place: str, evidence: list[Mapping[str, Any]], facts: list[str]) -> Iterator[Mismatch]:
    stated, derived = sorted(each["id"] for each in evidence), sorted(facts)
    if stated != derived:
        left = sorted(set(stated) ^ set(derived)) or stated
        yield Mismatch(DOCUMENT_FILE, place, ", ".join(left), "every fact once")
