"""What of a review follows from the rest of it: the period in one look, what is different from the review before, and
what all of it rests on. Pure.

All three are made of what goes out, not of what was gathered: what is left out is left out of them, too. Whoever
verifies makes them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trust_portal.evidence.links import result_of, statements
from trust_portal.evidence.manifest import ENVELOPE_SUFFIX, RECEIPTS
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import NotRecomputable
from trust_portal.kernel.canonical import Json
from trust_portal.reliability.comparison import file_in
from trust_portal.trust.gathering.ids import CHANGES
from trust_portal.trust.gathering.model import Before
from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.qbr.gathering.changes import changes_section
from trust_portal.trust.qbr.gathering.inputs import Laid, inputs_section
from trust_portal.trust.qbr.gathering.outcome import outcome_section
from trust_portal.trust.qbr.ids import INPUTS, OUTCOME
from trust_portal.trust.qbr.model import BEFORE_FOURTH, FORMAT, PREVIOUS_FILE, TRUST_REPORT_FILE
from trust_portal.trust.sections.document import section_json, section_of
from trust_portal.trust.sections.model import Section

#: The sections that follow from the others.
CLOSING: Final = frozenset({OUTCOME, CHANGES, INPUTS})
#: In a review of format 1 the period in one look was locked with the rest.
_CLOSING_FIRST: Final = frozenset({CHANGES, INPUTS})


@dataclass(frozen=True, slots=True)
class Beside:
    """The last Trust Report of its period or before, the review before, and what that said. None where there is none."""

    trust_report: Laid | None = None
    previous: Laid | None = None
    before: Before | None = None


def closing(
    sections: Sequence[Section], beside: Beside, as_of: datetime, at: datetime, *, format_: str = FORMAT
) -> tuple[Section, Section, Section]:
    """The period in one look, what changed, what all of it rests on: of ``sections`` as they stand at the moment ``at``.

    ``as_of`` is when they were gathered, into a review of ``format_``.
    """
    others = [each for each in sections if each.id not in CLOSING]
    outcome = outcome_section(others, as_of, is_before_fourth=format_ in BEFORE_FOURTH)
    changes = changes_section(others, beside.before, as_of, is_first=format_ == "1")
    inputs = inputs_section(
        others,
        beside.trust_report,
        beside.previous,
        at,
        is_before_third=format_ in {"1", "2"},
        is_before_fourth=format_ in BEFORE_FOURTH,
    )
    wait = Wait(as_of, at, at, format_)
    return wait.as_it_stands(outcome), wait.as_it_stands(changes), inputs


def as_they_stand(sections: Sequence[Section], wait: Wait) -> tuple[Section, ...]:
    """All of ``sections`` as they stand by then, what goes out and what does not: the period in one look with them."""
    aged = tuple(map(wait.as_it_stands, sections))
    if wait.format_ in BEFORE_FOURTH:
        return aged
    others = [each for each in aged if each.id not in CLOSING]
    outcome = outcome_section(others, wait.gathered)
    return tuple(outcome if each.id == OUTCOME else each for each in aged)


def derived_of(
    files: Mapping[str, bytes], body: Mapping[str, Any], sections: Sequence[Section]
) -> dict[str, Section]:
    """The sections of the review ``body`` that follow from its others, made anew, by id.

    Raises ``NotRecomputable`` naming what is not there.
    """
    as_of, at = (datetime.fromisoformat(body[each]) for each in ("as_of", "issued_at"))
    made = closing(sections, beside_of(files, body), as_of, at, format_=body["format"])
    return {each.id: each for each in made if each.id in closing_of(body)}


def closing_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Which sections of a review follow from its others."""
    return _CLOSING_FIRST if body["format"] == "1" else CLOSING


def closed(sections: Sequence[Section], beside: Beside, as_of: datetime, at: datetime) -> tuple[Section, ...]:
    """``sections``, those of them that follow from the others made anew."""
    anew = {each.id: each for each in closing(sections, beside, as_of, at)}
    return tuple(anew.get(each.id, each) for each in sections)


def beside_of(files: Mapping[str, bytes], body: Mapping[str, Any]) -> Beside:
    """What ``body`` was laid beside, from the files of its bundle. Raises ``NotRecomputable`` naming what is not there."""
    trust_report = previous = before = None
    if body["trust_report"] is not None:
        trust_report = _trust_report(files, str(body["trust_report"]["sha256"]))
    if body["previous"] is not None:
        named, earlier = body["previous"], parse_json(file_in(files, PREVIOUS_FILE))
        sections = {each["id"]: section_of(each) for each in earlier["sections"]}
        before = Before(named["period"], int(named["revision"]), named["sha256"], sections)
        previous = Laid(
            earlier["period"]["label"],
            int(earlier["revision"]),
            datetime.fromisoformat(earlier["issued_at"]),
            datetime.fromisoformat(earlier["as_of"]),
            "/qbr",
        )
    return Beside(trust_report, previous, before)


def _trust_report(files: Mapping[str, bytes], sha256: str) -> Laid:
    body = parse_json(file_in(files, TRUST_REPORT_FILE))
    signed = [
        (name, each)
        for name, each in statements(files)
        if each.kind is ReceiptKind.TRUST_REPORT_PUBLISHED and each.subjects[0].sha256 == sha256
    ]
    if not signed:
        raise NotRecomputable("no receipt of its publication is there", file=TRUST_REPORT_FILE)
    (name, published), *_ = signed
    return Laid(
        body["period"]["label"],
        int(body["revision"]),
        datetime.fromisoformat(str(published.predicate["at"])),
        datetime.fromisoformat(body["as_of"]),
        f"/trust/{result_of(published)['report']}",
        name.removeprefix(RECEIPTS).removesuffix(ENVELOPE_SUFFIX),
    )


def same_but_for_pages(one: Section, other: Section) -> bool:
    """Whether two sections say the same. Which page of the portal a value leads to is no part of a bundle."""

    def told(section: Section) -> Json:
        body = section_json(section)
        for value in (*body["figures"], *(cell for row in _rows(body) for cell in row["cells"])):
            del value["href"]
        return body

    return told(one) == told(other)


def _rows(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for table in body["tables"]:
        yield from table["rows"]
