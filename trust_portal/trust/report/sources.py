"""Which stored documents a Trust Report rests on, read from its own sections. Pure.

    sections ──▶ inputs/sla/2026-06-r1.json       the signed SLA report
             ──▶ inputs/credits/<credit>.json     the memo of an issued credit
             ──▶ inputs/postmortems/<copy>.json   the copy of a postmortem that the customer was given
             ──▶ inputs/previous.json             the Trust Report before

The sections name each with its digest, so a bundle carries exactly these, and nobody has to keep a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trust_portal.kernel.canonical import Json
from trust_portal.trust.gathering.ids import CREDITS, INCIDENTS, ISSUED, POSTMORTEMS, REPORTS, SLA
from trust_portal.trust.report.model import PREVIOUS_FILE

SLA_INPUT: Final = "inputs/sla/{period}-r{revision}.json"
CREDIT_INPUT: Final = "inputs/credits/{id}.json"
POSTMORTEM_INPUT: Final = "inputs/postmortems/{id}.json"


@dataclass(frozen=True, slots=True)
class Source:
    """A stored document: its file in the bundle, its digest, and by what it is found (an id, or a period)."""

    file: str
    sha256: str
    kind: str
    found_by: str
    revision: int | None = None

    def json(self) -> dict[str, Json]:
        return {"name": self.file, "sha256": self.sha256}


def inputs_of(body: Mapping[str, Any]) -> tuple[Source, ...]:
    """By file. ``body`` is the document, or what will become one."""
    sections = {each["id"]: each for each in body["sections"]}
    found = {
        each.file: each
        for each in (
            *_reports(sections.get(SLA)),
            *_memos(sections.get(CREDITS)),
            *_copies(sections.get(INCIDENTS)),
        )
    }
    before = body["previous"]
    if before is not None:
        found[PREVIOUS_FILE] = Source(
            PREVIOUS_FILE, before["sha256"], "previous", before["period"], int(before["revision"])
        )
    return tuple(found[name] for name in sorted(found))


def _reports(section: Mapping[str, Any] | None) -> Iterator[Source]:
    for row in _rows(section, REPORTS):
        period, revision, sha256 = row["period"], int(row["revision"]), row["sha256"]
        file = SLA_INPUT.format(period=period, revision=revision)
        yield Source(file, sha256, "sla", period, revision)


def _memos(section: Mapping[str, Any] | None) -> Iterator[Source]:
    for row in _rows(section, ISSUED):
        yield Source(CREDIT_INPUT.format(id=row["id"]), row["memo"], "credit", row["id"])


def _copies(section: Mapping[str, Any] | None) -> Iterator[Source]:
    for row in _rows(section, POSTMORTEMS):
        if row["copy"] is not None:
            yield Source(
                POSTMORTEM_INPUT.format(id=row["copy"]), row["copy_sha256"], "postmortem", row["copy"]
            )


def _rows(section: Mapping[str, Any] | None, name: str) -> Iterator[dict[str, Any]]:
    """Values by column, with the row's ``id``."""
    for table in [] if section is None else section["tables"]:
        if table["id"] != name:
            continue
        columns = [each["id"] for each in table["columns"]]
        for row in table["rows"]:
            values = (each["value"] for each in row["cells"])
            yield {"id": row["id"], **dict(zip(columns, values, strict=True))}
