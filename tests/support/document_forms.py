"""What each form of a trust document says, collected from that form, to lay beside the document itself.

Every form is read the way its readers do: a page by its headings, lists and tables, a PDF by its running text,
slides by their shapes, a table by its rows. Nothing here asks the product's templates where something is.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from typing import Any

from pptx import Presentation

from trust_portal.documents import formats
from trust_portal.kernel.canonical import digest
from trust_portal.trust.gathering.incidents import NO_COPY
from trust_portal.trust.sections.absent import left_out, table_shown
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.model import Cell, Section, State, Table, split
from trust_portal.trust.sections.outcome import outcome
from trust_portal.trust.sections.words import lead, receipts_in, sourced

_STATES = {
    State.FRESH: "Fresh",
    State.STALE: "Stale",
    State.MISSING: "Missing",
    State.NOT_APPLICABLE: "Does not apply",
}


@dataclass
class Said:
    """One section: how it went and its age in words, sentences, figures as (label, value), and tables as (title, rows of values)."""

    age: str = ""
    sentences: list[str] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)
    tables: list[tuple[str, list[list[str]]]] = field(default_factory=list)


def of_document(sections: Sequence[Section]) -> dict[str, Said]:
    """What every form has to say, by section."""
    return {
        each.id: Said(
            age_of(each),
            [words(text) for text in sentences(each)],
            [(words(one.label), words(display(one.cell))) for one in each.figures],
            [_shown(table) for table in each.tables],
        )
        for each in sections
    }


def _shown(table: Table) -> tuple[str, list[list[str]]]:
    """Its name and rows as people are shown them: whatever is known, and by name the columns that nobody can fill."""
    seen, missing = table_shown(table), left_out(table)
    rows = [[words(display(cell)) for cell in row.cells] for row in seen.rows]
    for row, shown in zip(table.rows, rows, strict=True):
        known = {words(display(each)) for each in row.cells if each.value not in {None, NO_COPY}}
        assert known <= set(shown), "what is known is shown"
    gone = [each.label for each in table.columns if each not in seen.columns]
    assert missing == (f"not known of any: {', '.join(gone)}" if gone else None)
    return words(f"{table.title} {missing or ''}"), rows


def age_of(section: Section) -> str:
    """How it went, how fresh it is, from where, as of when, and how old it may be: as pages and paper say it."""
    why = "" if section.why is None else f"{section.why}; "
    went = outcome(section)
    return words(
        f"{went[1] if went else ''} {_STATES[section.state]} {why}from {sourced(section)}{_as_of(section)}"
        f"; counts as fresh for {formats.duration(section.max_age)}"
    )


def foot_of(section: Section) -> str:
    """The same but its state, at the foot of a slide."""
    return words(f"Source: {sourced(section)}{_as_of(section)}")


def _as_of(section: Section) -> str:
    if section.as_of is None:
        return ""
    return f", as of {formats.instant(section.as_of.replace(microsecond=0))}"


def of_page(html: str) -> dict[str, Said]:
    """What the page shows, by section."""
    reader = _Page()
    reader.feed(html)
    return reader.found


def of_table(content: bytes) -> dict[str, tuple[str, str, str, str, str]]:
    """Unit, currency, value, state and receipt by place; what a spreadsheet must not run has lost its apostrophe."""
    told = list(csv.DictReader(io.StringIO(content.decode())))
    rows = [row for row in told if not row["place"].endswith((":omission", ":commentary"))]
    assert len({row["place"] for row in rows}) == len(rows), "a place is there twice"
    return {
        row["place"]: (row["unit"], row["currency"], _unguarded(row["value"]), row["state"], row["receipt"])
        for row in rows
    }


def ages_in_table(content: bytes) -> dict[str, set[tuple[str, str, str, str]]]:
    """As of when, from where, how many seconds that counts as fresh and why it is not, by section: every row says the same."""
    found: dict[str, set[tuple[str, str, str, str]]] = {}
    for row in csv.DictReader(io.StringIO(content.decode())):
        if not row["place"].endswith((":omission", ":commentary")):
            told = (row["as_of"], row["source"], row["max_age_s"], row["why"])
            found.setdefault(row["section"], set()).add(told)
    return found


def ages_of(
    body: Mapping[str, Any], sections: Sequence[Section]
) -> dict[str, set[tuple[str, str, str, str]]]:
    """What ``ages_in_table`` has to find."""
    as_of = {each["id"]: each["as_of"] or "" for each in body["sections"]}
    return {
        each.id: {(as_of[each.id], each.source, f"{each.max_age.total_seconds():.0f}", each.why or "")}
        for each in sections
    }


def table_of(sections: Sequence[Section]) -> dict[str, tuple[str, str, str, str, str]]:
    """What ``of_table`` has to find. A section without a value has one row that says its state."""
    found = {}
    for section in sections:
        state = section.state.value
        for place, cell in section.cells():
            told = (cell.unit.value, cell.currency or "", cell.value or "", state, cell.receipt or "")
            found[place] = told
        if not list(section.cells()):
            found[section.id] = ("text", "", "", state, "")
    return found


def of_pdf(content: bytes, folder: Path) -> str:
    """The running text without white space, page by page, heads and feet and all."""
    (folder / "said.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-raw", str(folder / "said.pdf"), "-"], check=True, capture_output=True, timeout=60
    )
    return words(done.stdout.decode())


def of_slides(content: bytes) -> list[str]:
    """The text of every shape and every cell of the slides, each for itself."""
    found = []
    for slide in Presentation(io.BytesIO(content)).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                found.append(words(shape.text_frame.text))
            if shape.has_table:
                found += [words(cell.text) for row in shape.table.rows for cell in row.cells]
    return found


def of_notes(content: bytes) -> list[str]:
    """What the speaker reads, slide by slide."""
    return [
        words(slide.notes_slide.notes_text_frame.text)
        for slide in Presentation(io.BytesIO(content)).slides
        if slide.has_notes_slide
    ]


def rows_of_slides(content: bytes) -> list[list[str]]:
    """Every row of every table on the slides."""
    return [
        [words(cell.text) for cell in row.cells]
        for slide in Presentation(io.BytesIO(content)).slides
        for shape in slide.shapes
        if shape.has_table
        for row in shape.table.rows
    ]


def stands_on(page: str) -> list[str]:
    """What the head of a document's page says it is: the mark beside when it went out."""
    return [
        _plain(each)
        for each in re.findall(r'<p class="tally">(<span class="status.*?</span>)', page, re.DOTALL)
    ]


def stands_in_list(page: str) -> list[tuple[str, str]]:
    """Every version in a list of documents, with where it stands; of what is acknowledged in it nothing."""
    rows = re.findall(
        r'<th scope="row">(<a .*?</a>).*?</th>.*?<td[^>]*>((?:(?!</td>).)*?(?:Stands|Superseded).*?)</td>',
        page,
        re.DOTALL,
    )
    return [
        (_plain(name), _plain(re.sub(r"<br><span[^>]*>[^<]*acknowledged</span>", "", said)))
        for name, said in rows
    ]


def _plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def printed(sections: Sequence[Section], *, marked: bool = True) -> list[str]:
    """Everything that has to be legible on paper, each as it stands there without white space.

    How fresh each section is, sentences, figures with their labels, and runs of a row's cells. A value with a receipt is set apart, with the
    number of the receipt in the list at the end right behind it: so it is looked for by itself, with its number. Paper that
    is not ``marked`` has no such list, and its rows run on.
    """
    numbers = receipts_in(sections) if marked else {}

    def shown(cell: Cell) -> str:
        return words(display(cell) + (f"[{numbers[cell.receipt]}]" if is_marked(cell) else ""))

    def is_marked(cell: Cell) -> bool:
        return marked and cell.receipt is not None and cell.value is not None

    found = []
    for section in sections:
        found.append(age_of(section))
        for sentence in section.sentences:
            pieces = split(sentence.text)
            found.append(
                "".join(shown(section.figure(text).cell) if is_ else words(text) for is_, text in pieces)
            )
        found += [words(each.label) + shown(each.cell) for each in section.figures]
        for row in (row for table in section.tables for row in table_shown(table).rows):
            for apart, cells in groupby(row.cells, is_marked):
                texts = [shown(each) for each in cells]
                found += texts if apart else ["".join(texts)]
    return found


def of_itself(body: Mapping[str, Any], sections: Sequence[Section]) -> list[str]:
    """What a document says besides its figures, and what stands behind them: ages, reasons, digests, receipts."""
    found = ["SHA-256", digest(dict(body)), formats.period(body["period"]["label"]), body["reason"] or ""]
    found += [formats.instant(body["as_of"]), str(body["revision"]), lead(body, sections)]
    found += [formats.digest(each["sha256"], 16) for each in (body["supersedes"],) if each]
    found += [text for each in body["inputs"] for text in each.values()]
    found += [text for each in body["acknowledgements"] for text in each.values()]
    found += [f"[{number}]{id_}" for id_, number in receipts_in(sections).items()]
    for each in sections:
        found += [each.why or "", f"counts as fresh for {formats.duration(each.max_age)}"]
        if each.as_of is not None:
            found.append(formats.instant(each.as_of.replace(microsecond=0)))
    return [words(each) for each in found if len(each) > 1]


def left_over(text: str, known: Sequence[str]) -> list[str]:
    """Pieces of a text with a digit in them that are left once everything known is struck out, the longest first."""
    for each in sorted(known, key=len, reverse=True):
        if each:
            text = text.replace(each, "\n")
    return [each for each in text.split("\n") if re.search(r"\d", each)]


def without_a_way(sections: Sequence[Section]) -> list[str]:
    """Places of numbers that lead nowhere."""
    return [
        place
        for section in sections
        for place, cell in section.cells()
        if cell.value is not None
        and cell.unit.value in {"count", "minutes", "money", "number", "percent"}
        and cell.href is None
        and cell.receipt is None
    ]


def words(text: str) -> str:
    """Without white space and soft hyphens, in which forms differ."""
    return re.sub(r"[\s\u00ad]+", "", text)


def _unguarded(value: str) -> str:
    return value[1:] if re.match(r"'[=+\-@\t\r\n＝＋－＠]", value) else value


class _Page(HTMLParser):
    """Reads sections out of a page: what is drawn for eyes only, or said for ears only, is left out."""

    _VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Said] = {}
        self._open: list[tuple[str, str]] = []
        self._text: list[str] = []
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._VOID:
            return
        values = {name: value or "" for name, value in attrs}
        kind = values.get("class", "")
        self._open.append((tag, kind))
        if tag == "section" and values.get("id", "").startswith("section-"):
            self.found[values["id"].removeprefix("section-")] = Said()
        elif tag in {"caption", "dt", "dd", "td", "th"} or kind in {"section-said", "section-state"}:
            self._text = []
        elif tag == "tr" and self._is_in("tbody") and self._now is not None:
            self._now.tables[-1][1].append([])

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, kind = self._open.pop()
            if name == tag:
                break
        else:
            return
        said, now = words("".join(self._text)), self._now
        if now is None or not self._is_in("section"):
            return
        if tag == "p" and kind == "section-state":
            now.age = said
        elif tag == "p" and kind == "section-said":
            now.sentences.append(said)
        elif tag == "dt":
            self._label = said
        elif tag == "dd":
            now.figures.append((self._label, said))
        elif tag == "caption":
            now.tables.append((said, []))
        elif tag in {"td", "th"} and self._is_in("tbody"):
            rows = now.tables[-1][1]
            if "cell-empty" in kind:
                rows.pop()
            else:
                rows[-1].append(said)

    def handle_data(self, data: str) -> None:
        if not any(tag == "svg" or "hidden-visually" in kind for tag, kind in self._open):
            self._text.append(data)

    @property
    def _now(self) -> Said | None:
        """The section that is open."""
        inside = any(tag == "section" and "trust-section" in kind for tag, kind in self._open)
        return list(self.found.values())[-1] if inside and self.found else None

    def _is_in(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)
