"""Which stored documents a QBR rests on, or was laid beside, read from itself. Pure.

sections ──▶ inputs/sla/…, inputs/credits/…, inputs/postmortems/…   as of a Trust Report
         ──▶ inputs/trust-report.json   the latest Trust Report, inputs/previous.json the review before
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trust_portal.trust.qbr.model import PREVIOUS_FILE, TRUST_REPORT_FILE
from trust_portal.trust.report.sources import Source, inputs_of


def sources_of(body: Mapping[str, Any]) -> tuple[Source, ...]:
    """The stored documents that a bundle carries, by file: those its sections name, and what it follows."""
    found = {each.file: each for each in inputs_of({"sections": body["sections"], "previous": None})}
    for file, name in ((PREVIOUS_FILE, "previous"), (TRUST_REPORT_FILE, "trust_report")):
        before = body[name]
        if before is not None:
            found[file] = Source(file, before["sha256"], name, before["period"], int(before["revision"]))
    return tuple(found[name] for name in sorted(found))
