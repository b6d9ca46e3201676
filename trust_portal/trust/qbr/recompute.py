"""Derives again what a QBR follows from: service levels and credits from the signed documents in its bundle, its
table, its states from their ages when it was issued, the period in one look from the sections beside it, what changed from
the review before, what it rests on, and what had to be acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Mismatch
from trust_portal.reliability.comparison import file_in, mismatches, reading, same_engine, table_differs
from trust_portal.trust.qbr.ageing import Wait, wait_of
from trust_portal.trust.qbr.closing import derived_of
from trust_portal.trust.qbr.derivation import own_sections_differ
from trust_portal.trust.qbr.ids import OUTCOME
from trust_portal.trust.qbr.model import BEFORE_FOURTH, CSV_FILE, DOCUMENT_FILE, ENGINE, FORMATS
from trust_portal.trust.qbr.usage_derivation import usage_differs
from trust_portal.trust.report.acknowledged import acknowledgements_differ
from trust_portal.trust.report.derivation import Derivation, figures_of, sections_differ
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Section
from trust_portal.trust.sections.table import document_table


def recompute_qbr(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every acknowledgement that is missing or too many, every figure that the bundle's own documents do not lead
    to, a period in one look that the other sections do not say, the table.

    Raises ``NotRecomputable`` naming the file that is missing or unusable.
    """
    with reading(DOCUMENT_FILE):
        body = parse_json(file_in(files, DOCUMENT_FILE))
        same_engine(body, DOCUMENT_FILE, engine=ENGINE, formats=FORMATS)
        sections = sections_of(body)
        found = [*_states(body, sections), *acknowledgements_differ(DOCUMENT_FILE, body, sections)]
        found += _closing(files, body, sections)
        how = Derivation.of(body)
        found += sections_differ(DOCUMENT_FILE, sections, files, how)
        if not how.is_first:
            found += own_sections_differ(DOCUMENT_FILE, sections)
            found += usage_differs(DOCUMENT_FILE, sections)
        table = document_table(body)
    return found + table_differs(CSV_FILE, files.get(CSV_FILE), table)


def _states(body: Mapping[str, Any], sections: tuple[Section, ...]) -> Iterator[Mismatch]:
    """No section is fresh that is older than it may be when it is issued, and each says that it is.

    Format 3 has been written by two rules: all of a review is told by the one or by the other.
    """
    wait = wait_of(body)
    found = list(_states_by(wait, sections))
    if wait.format_ == "3" and not any(_states_by(replace(wait, is_first_of_third=True), sections)):
        return
    yield from found


def _states_by(wait: Wait, sections: tuple[Section, ...]) -> Iterator[Mismatch]:
    for number, each in enumerate(sections):
        derived = wait.as_it_stands(each)
        if derived.state is not each.state:
            yield Mismatch(
                DOCUMENT_FILE, f"$.sections[{number}].state", each.state.value, derived.state.value
            )
        if derived.why != each.why:
            yield Mismatch(DOCUMENT_FILE, f"$.sections[{number}].why", each.why or "", derived.why or "")


def _closing(
    files: Mapping[str, bytes], body: Mapping[str, Any], sections: tuple[Section, ...]
) -> Iterator[Mismatch]:
    """The period in one look, from the sections beside it; what changed since the review before, from that review; and
    what this one rests on, from ``inputs/``. Of what goes out, so whatever is left out.
    """
    derived = derived_of(files, body, sections)
    for number, each in enumerate(sections):
        if each.id not in derived:
            continue
        place, follows = f"$.sections[{number}]", derived[each.id]
        yield from mismatches(DOCUMENT_FILE, figures_of(each), figures_of(follows), place)
        if each.state is not follows.state:
            yield Mismatch(DOCUMENT_FILE, f"{place}.state", each.state.value, follows.state.value)
        if each.id == OUTCOME and body["format"] not in BEFORE_FOURTH and each.why != follows.why:
            yield Mismatch(DOCUMENT_FILE, f"{place}.why", each.why or "", follows.why or "")
