"""What a review says besides its figures, on paper and on slides: with that struck out, no number is left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from support.document_forms import foot_of, left_over, of_itself, words

from trust_portal.documents import formats
from trust_portal.kernel.canonical import digest
from trust_portal.trust.qbr.prose import plain
from trust_portal.trust.sections.absent import left_out
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import Section, State

_STATES = {State.STALE: "Stale", State.MISSING: "Missing", State.NOT_APPLICABLE: "Does not apply"}


def of_review(body: Mapping[str, Any], sections: Sequence[Section]) -> list[str]:
    """An issued one on paper: what it is and rests on, what was said, and what is left out."""
    return [*of_itself(body, sections), *said_of(body)]


def said_of(body: Mapping[str, Any]) -> list[str]:
    """Each comment and omission of a review, issued or internal, with who said it and when."""
    found = [text for each in body["omissions"] for text in (each["title"], each["text"])]
    for each in body["commentary"]:
        found += [plain(each["text"]), *(line.lstrip("-• ") for line in plain(each["text"]).split("\n"))]
    found += [f"{each['by']}, {moment(each['at'])}" for each in (*body["commentary"], *body["omissions"])]
    return [words(each) for each in found if len(each) > 1]


def strange_on_paper(paper: str, known: Iterable[str], furniture: Iterable[str]) -> list[str]:
    """What has a digit on it and is nothing that is known, nor the number of its page."""
    rest = left_over(paper, [*known, *map(words, furniture)])
    return [each for each in rest if re.search(r"\d", re.sub(r"^\d+/\d+", "", each))]


def strange_on_slides(
    slides: Iterable[str], body: Mapping[str, Any], sections: Sequence[Section], *imprint: str
) -> list[str]:
    """What has a digit on it and is neither a value by itself nor made of whole texts of the document."""
    values = {words(text) for each in sections for text in _values(each)} | {
        words(moment(each["at"])) for each in body["omissions"]
    }
    texts = [*(words(text) for each in sections for text in _texts(each, body)), *said_of(body)]
    return [
        left
        for shape in slides
        if shape not in values
        for left in left_over(shape, [*texts, *map(words, imprint)])
    ]


def imprint_of(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The first slide of an issued one, and the head and foot of its pages."""
    period = formats.period(body["period"]["label"])
    return (
        f"Business review, {period}",
        f"{body['vendor']}, revision {body['revision']}, data as of {moment(body['as_of'])}",
        f"SHA-256 of the document these slides were drawn from: {digest(dict(body))}",
    )


def moment(text: str) -> str:
    return formats.instant(datetime.fromisoformat(text).replace(microsecond=0))


def _values(section: Section) -> Iterator[str]:
    """What stands in a shape or cell of its own."""
    yield section.title
    for figure in section.figures:
        yield from (figure.label, display(figure.cell))
    for table in section.tables:
        missing = left_out(table)
        yield f"{table.title}, {missing}" if missing else table.title
        yield from (each.label for each in table.columns)
        yield from (display(cell) for row in table.rows for cell in row.cells)


def _texts(section: Section, body: Mapping[str, Any]) -> Iterator[str]:
    yield foot_of(section)
    yield from sentences(section)
    if section.state in _STATES:
        let_stand = [each for each in body.get("acknowledgements", ()) if each["section"] == section.id]
        yield f"{_STATES[section.state]}: {section.why}."
        yield f"{_STATES[section.state]}: {section.why}"
        yield from (
            f"Issued although {each['state']}: {each['why']}. Reason: {each['reason']}" for each in let_stand
        )
