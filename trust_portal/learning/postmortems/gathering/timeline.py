"""The timeline of the incident and of what was merged into it, each line with the event it was told by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.incidents.model import Incident, IncidentEntry
from trust_portal.learning.incidents.repository import timelines_of
from trust_portal.learning.postmortems.gathering.model import Fact, FactKind
from trust_portal.storage.unit_of_work import ReadSession


async def gather_timeline(
    session: ReadSession, incident: Incident, merged: Sequence[Incident] = ()
) -> tuple[Fact, ...]:
    """As it happened. What was told of one that was ``merged`` into the incident names that one."""
    entries = await timelines_of(session, [incident, *merged])
    facts = [_fact(each, None) for each in entries[incident.id]]
    facts += [_fact(entry, each.id) for each in merged for entry in entries[each.id]]
    return _named(sorted(facts, key=lambda each: each.at))


def _named(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Each by when it was, what it is, and the how manieth of them.

    An id stands in every copy beside what is withheld from it: it says nothing of what was told, not by a digest
    either, which whoever guesses the words could try.
    """
    seen: Counter[str] = Counter()
    found = []
    for each in facts:
        name = f"{rfc3339(each.at)}/{each.fields['kind']}"
        seen[name] += 1
        found.append(each._replace(id=f"{name}/{seen[name]}"))
    return tuple(found)


def _fact(entry: IncidentEntry, told_of: UUID | None) -> Fact:
    """One line, not named yet."""
    fields: dict[str, Json] = {
        "kind": entry.kind.value,
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
    fields["incident"] = None if told_of is None else str(told_of)
    return Fact("", FactKind.TIMELINE, source, entry.at, sha256, fields)
