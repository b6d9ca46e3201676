"""Derives again what a Trust Report follows from: service levels and credits from the signed documents in its
bundle, its states from their ages, what changed from the report before, and the table made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch
from trust_portal.reliability.comparison import file_in, mismatches, reading, same_engine, table_differs
from trust_portal.trust.gathering.changes import changes_section
from trust_portal.trust.gathering.ids import CHANGES
from trust_portal.trust.gathering.model import Before
from trust_portal.trust.report.acknowledged import acknowledgements_differ
from trust_portal.trust.report.derivation import Derivation, figures_of, sections_differ
from trust_portal.trust.report.model import CSV_FILE, DOCUMENT_FILE, ENGINE, FORMATS, PREVIOUS_FILE
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.sections.table import document_table


def recompute_trust_report(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every figure that the bundle's own documents do not lead to, every state that is better than the section's
    age allows or stands unacknowledged, and the table.

    Raises ``NotRecomputable`` naming the file that is missing or unusable.
    """
    with reading(DOCUMENT_FILE):
        body = parse_json(file_in(files, DOCUMENT_FILE))
        same_engine(body, DOCUMENT_FILE, engine=ENGINE, formats=FORMATS)
        sections = sections_of(body)
        as_of = datetime.fromisoformat(body["as_of"])
        found = [*_states(sections, as_of), *acknowledgements_differ(DOCUMENT_FILE, body, sections)]
        found += sections_differ(DOCUMENT_FILE, sections, files, Derivation.of(body))
        found += _changes(files, body, sections)
        table = document_table(body)
    return found + table_differs(CSV_FILE, files.get(CSV_FILE), table)


def _states(sections: tuple[Section, ...], as_of: datetime) -> Iterator[Mismatch]:
    for number, each in enumerate(sections):
        derived, _ = freshness(each.as_of, each.max_age, as_of, missing="")
        if each.state is State.FRESH and derived is not State.FRESH:
            yield Mismatch(DOCUMENT_FILE, f"$.sections[{number}].state", each.state.value, derived.value)


def _changes(
    files: Mapping[str, bytes], body: Mapping[str, Any], sections: tuple[Section, ...]
) -> list[Mismatch]:
    """What changed since the report before, from that report in ``inputs/``."""
    *others, stated = sections
    if stated.id != CHANGES:
        return []
    before, named = None, body["previous"]
    if named is not None:
        earlier = {each.id: each for each in sections_of(parse_json(file_in(files, PREVIOUS_FILE)))}
        before = Before(named["period"], int(named["revision"]), named["sha256"], earlier)
    how = Derivation.of(body)
    derived = changes_section(others, before, how.as_of, is_first=how.is_first)
    place = f"$.sections[{len(others)}]"
    return mismatches(DOCUMENT_FILE, figures_of(stated), figures_of(derived), place)
