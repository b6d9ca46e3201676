"""The incident's own timeline, each line with the event it was told by."""

from __future__ import annotations

from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.incidents.model import Incident, IncidentEntry
from trust_portal.learning.incidents.repository import entries_of
from trust_portal.learning.postmortems.gathering.model import Fact, FactKind
from trust_portal.storage.unit_of_work import ReadSession


async def gather_timeline(session: ReadSession, incident: Incident) -> tuple[Fact, ...]:
    """As it happened."""
    return tuple(_fact(each) for each in await entries_of(session, incident))


def _fact(entry: IncidentEntry) -> Fact:
    fields: dict[str, Json] = {
        "kind": entry.kind,
        "text": entry.text,
        "key": entry.key,
        "claim": entry.claim,
        "severity": None if entry.severity is None else entry.severity.value,
        "receipt": entry.receipt,
    }
    if entry.origin is None:
        sha256, source = digest({"at": rfc3339(entry.at), **fields}), f"receipt/{entry.receipt}"
    else:
        sha256, source = entry.origin.digest.hex(), f"{entry.origin.source} {entry.origin.event_id}"
    name = f"{rfc3339(entry.at)}/{entry.kind}/{sha256[:16]}"
    return Fact(name, FactKind.TIMELINE, source, entry.at, sha256, fields)
