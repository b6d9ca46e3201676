"""Every text of a document's page, each for itself, and which of them have a number that no fact of the document is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from support.document_forms import age_of, left_over, words
from support.drawn_charts import charted, lettering, misdrawn
from support.review_forms import said_of

from trust_portal.documents import formats
from trust_portal.evidence import bundle
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import Section, Unit
from trust_portal.trust.sections.outcome import outcome, verdict
from trust_portal.trust.sections.words import lead

_NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")


def strange_on_page(
    page: str, body: Mapping[str, Any], sections: Sequence[Section], beside: Iterable[str]
) -> list[str]:
    """Texts of the page with a number that is no value of the document, is in no sentence of it, and not ``beside`` it.

    A value is known where it stands by itself, and only sentences are looked for within a text: so no count is taken
    for a part of another number. What a chart says is known once the chart agrees with its table.
    """
    assert misdrawn(page, sections) == []
    assert unfounded(sections) == []
    values = {words(each) for section in sections for each in _values(section)}
    values |= {f"Evidence:{each}" for each in values}
    values |= {each for chart in (*lettering(page), *charted(sections)) for each in chart}
    values |= {words(each) for each in beside}
    told = [words(each) for each in _texts(body, sections)]
    told += [*(said_of(body) if "commentary" in body else ()), *map(";".join, _described(sections))]
    return [
        text
        for text in texts_on(page)
        if text not in values and any(re.search(r"\d", each) for each in left_over(text, told))
    ]


def unfounded(sections: Sequence[Section]) -> list[str]:
    """What is said in a word or two of a section, or of all of them, with a number that is no figure of theirs."""
    told = [(each, (outcome(each) or ("", ""))[1]) for each in sections]
    figures = {each.id: [display(one.cell) for one in each.figures] for each in sections}
    everywhere = [each for of in figures.values() for each in of]
    said = [(figures[section.id], text) for section, text in told] + [(everywhere, verdict(sections) or "")]
    return [
        text
        for known, text in said
        if not set(_NUMBER.findall(text)) <= {number for each in known for number in _NUMBER.findall(each)}
    ]


def around(body: Mapping[str, Any], archive: bytes, file_name: str, *, noun: str, signed: str) -> list[str]:
    """What stands on a document's page beside it: how to fetch and check its bundle, all of it read from the bundle.

    ``noun``: report, review. ``signed``: when it went out, with the word for it.
    """
    own, whole = digest(dict(body)), sha256_hex(archive)
    copied = [
        text for of in (f"this {noun}", file_name) for text in (f"SHA-256 of {of}", f"the SHA-256 of {of}")
    ]
    download = f"{file_name} signed bundle, {len(archive) / 1000:.1f} kB SHA-256 {whole[:16]}…"
    command = f"trust-portal verify {file_name} --policy {body['tenant']['key']}.policy --recompute"
    (signature,) = json.loads(bundle.read(archive).files["manifest.dsse.json"])["signatures"]
    return [*copied, own, whole, download, command, signature["keyid"], signed]


def texts_on(page: str) -> list[str]:
    """What stands in the main part of a page, its contents among it, also what is said for ears only, or copied."""
    reader = _Texts()
    reader.feed(page)
    reader.close()
    return [each for each in map(words, reader.found) if each]


def _values(section: Section) -> Iterator[str]:
    """What stands by itself, in an element of its own."""
    yield from (each.label for each in section.figures)
    for table in section.tables:
        yield from (table.title, *(each.label for each in table.columns))
    for _, cell in section.cells():
        yield display(cell)
        if cell.unit is Unit.DIGEST:
            yield str(cell.value)


def _texts(body: Mapping[str, Any], sections: Sequence[Section]) -> Iterator[str]:
    """What is said in running text, of the document and of each of its sections."""
    yield from (f"revision {body['revision']}", formats.period(body["period"]["label"]), lead(body, sections))
    if earlier := body["supersedes"]:
        yield f"It replaces revision {earlier['revision']} (SHA-256 {formats.digest(earlier['sha256'], 16)}"
        yield from (earlier["sha256"], "SHA-256 of the revision before", f"Reason: {body['reason']}")
    for section in sections:
        yield from (age_of(section), *sentences(section), *(each.empty for each in section.tables))
        yield from ((outcome(section) or ("", ""))[1], section.title, section.why or "")
    for each in body["acknowledgements"]:
        yield f"{each['why']}. Reason: {each['reason']}"


def _described(sections: Sequence[Section]) -> Iterator[list[str]]:
    """All points of each chart, as they are said in one go."""
    tables = [section.table(chart.table) for section in sections for chart in section.charts]
    for table, points in zip(tables, charted(sections), strict=True):
        yield points[: len(table.rows)]


class _Texts(HTMLParser):
    """Parts a page's text where its elements do: what runs on within a line stays together."""

    _VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
    _RUNNING = frozenset(
        {"a", "b", "circle", "code", "em", "i", "path", "small", "span", "strong", "sub", "sup"}
    )
    _SAID = ("alt", "aria-label", "data-copy", "data-copy-name", "placeholder", "title")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = [""]
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        is_mark = tag == "svg" and given.get("aria-hidden") == "true"
        parts = not (tag in self._RUNNING or is_mark) or "hidden-visually" in given.get("class", "")
        if tag not in self._VOID:
            self._open.append((tag, parts))
        if parts:
            self.found.append("")
        if self._is_read:
            # Before the text that runs on, which they are no part of.
            self.found[-1:-1] = [given[name] for name in self._SAID if name in given]

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, parts = self._open.pop()
            if parts:
                self.found.append("")
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if self._is_read:
            self.found[-1] += data

    @property
    def _is_read(self) -> bool:
        return any(tag == "main" for tag, _ in self._open)
