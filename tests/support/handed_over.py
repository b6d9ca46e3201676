"""What a demo's customer is handed at the end, laid beside what the stories themselves told and handed out before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.chart.chart import Chart
from support.document_forms import foot_of, words
from support.office import pages_of
from support.verifier_alone import verifier_alone

from trust_portal.documents import formats
from trust_portal.evidence import bundle
from trust_portal.evidence.links import file_of
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.learning import verification as of_learning
from trust_portal.reliability import verification as of_reliability
from trust_portal.trust import verification as of_trust
from trust_portal.trust.sections.absent import table_shown
from trust_portal.trust.sections.display import display, sentences
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.model import Section

_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KINDS = {**of_reliability.KINDS, **of_learning.KINDS, **of_trust.KINDS}
_NUMBER = re.compile(r"\d(?:[\d,.:]*\d)?")


@dataclass(frozen=True)
class Told:
    """By the stories, of what the bundles have to hold; each file is of the bundle that its own story handed out."""

    month: str
    anomaly: str
    run: str
    receipts: tuple[str, ...]
    credit: str
    incident: str
    postmortem_sha256: str
    report: bytes
    memo: bytes

    @classmethod
    def of(cls, text: str) -> Told:
        flat = " ".join(text.split())
        downloads = Path(_one(r"trust-portal verify (\S+)/brightwater-sla-\S+\.zip", flat))
        month = _one(r"reports of (\d{4}-\d\d) are signed", text)

        def of_bundle(name: str, file: str) -> bytes:
            (archive,) = downloads.glob(name)
            return bundle.read(archive.read_bytes()).files[file]

        return cls(
            month=month,
            anomaly=_one(rf"Found .*?/t/brightwater/cost/anomalies/({_ID})", flat),
            run=_one(rf"Plan .*?/t/brightwater/cost/playbooks/({_ID})", flat),
            receipts=tuple(re.findall(rf"receipt (?:planned|approved|executed|verified) +({_ID})", text)),
            credit=_one(rf"Issued .*?/t/brightwater/credits/({_ID})", flat),
            incident=_one(rf"Incident .*?/incidents/({_ID})", flat),
            postmortem_sha256=_one(r"over exactly what was accepted, SHA-256 ([0-9a-f]{64})", flat),
            report=of_bundle("brightwater-sla-*.zip", "report.json"),
            memo=of_bundle("brightwater-credit-*.zip", "memo.json"),
        )


def holds_all_five(files: Mapping[str, bytes], document: str, told: Told) -> None:
    """The spike, the playbook's receipts, the SLA report, the credit and the postmortem: by id, byte for byte."""
    body = json.loads(files[document])
    named = {each["name"]: each["sha256"] for each in body["inputs"]}
    assert told.anomaly in _rows(body, "cost", "anomalies"), "the spike"
    run = _rows(body, "cost", "playbooks")[told.run]
    assert (run["state"]["value"], run["playbook"]["receipt"]) == ("verified", told.receipts[-1])
    assert [each for each in told.receipts if file_of(each) not in files] == [], "the playbook's receipts"
    assert len(told.receipts) == 4

    report = f"inputs/sla/{told.month}-r1.json"
    row = _rows(body, "sla", "reports")[told.month]
    assert files[report] == told.report, "the SLA report"
    assert row["sha256"]["value"] == named[report] == sha256_hex(told.report)
    assert file_of(row["sha256"]["receipt"]) in files

    memo = f"inputs/credits/{told.credit}.json"
    row = _rows(body, "credits", "issued")[told.credit]
    assert files[memo] == told.memo, "the credit"
    assert row["memo"]["value"] == named[memo] == sha256_hex(told.memo)
    assert (row["amount"]["value"], row["amount"]["currency"]) == ("480.00", "EUR")
    assert file_of(row["amount"]["receipt"]) in files

    learned = _rows(body, "incidents", "postmortems")
    [row] = [each for each in learned.values() if each["sha256"].get("value") == told.postmortem_sha256]
    copy = f"inputs/postmortems/{row['copy']['value']}.json"
    assert row["copy_sha256"]["value"] == named[copy] == sha256_hex(files[copy])
    released = json.loads(files[copy])
    assert released["original"]["sha256"] == told.postmortem_sha256
    shows = [name for name, content in files.items() if told.incident.encode() in content]
    assert shows == [], "an id that follows from names that are withheld"
    assert told.anomaly.encode() in files["qbr.csv" if document == "qbr.json" else "trust-report.csv"]


def is_accepted(archive: Path, policy: Path, kind: str) -> None:
    """By ``trust-portal verify`` installed alone, its figures derived again."""
    done = verifier_alone("verify", archive, "--policy", policy, "--recompute", "--json")
    assert done.stdout, done.stderr
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["findings"]) == (0, [])
    assert verdict["subject"]["kind"] == kind
    assert KINDS[kind].derives in verdict["proved"]


def deck_is_accepted(archive: Path, policy: Path, folder: Path) -> None:
    """The deck as it left the house, held against its bundle."""
    deck = folder / "deck.pptx"
    deck.write_bytes(bundle.read(archive.read_bytes()).files["qbr.pptx"])
    done = verifier_alone("verify", archive, "--policy", policy, "--deck", deck, "--json")
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (0, [])


def slides_say_what_the_json_says(files: Mapping[str, bytes], folder: Path) -> None:
    """As LibreOffice prints them: a page a slide, every fact on a page of its section, and no number of their own."""
    body = json.loads(files["qbr.json"])
    sections = sections_of(body)
    slides = list(Presentation(BytesIO(files["qbr.pptx"])).slides)
    pages = pages_of(files["qbr.pptx"], folder)
    assert len(pages) == len(slides), "a page for each slide"
    assert [
        number
        for number, (page, slide) in enumerate(zip(pages, slides, strict=True), 1)
        if words(slide.shapes.title.text) not in words(page)
    ] == []

    for section in sections:
        shown = "".join(words(each) for each in pages if foot_of(section) in words(each))
        assert [each for each in facts_of(section) if each not in shown] == [], section.id
    known = {number for said in _said(body, sections) for number in _NUMBER.findall(said)}
    for at, (page, slide) in enumerate(zip(pages, slides, strict=True), 1):
        strange = [each for each in _NUMBER.findall(page) if each not in known | {str(at)}]
        charts = [shape.chart for shape in slide.shapes if shape.has_chart]
        assert charts or strange == [], f"page {at} has a number that no fact is"
        if strange:
            (chart,) = charts
            _are_ticks([Decimal(each.replace(",", "")) for each in strange], chart)


def facts_of(section: Section) -> Iterator[str]:
    """Each sentence, figure with its label, and row of a table, as it stands on a slide without white space."""
    yield from (words(each) for each in sentences(section))
    yield from (words(each.label + display(each.cell)) for each in section.figures)
    for table in section.tables:
        yield from (words("".join(display(cell) for cell in row.cells)) for row in table_shown(table).rows)


def _said(body: Mapping[str, Any], sections: Sequence[Section]) -> Iterator[str]:
    """Everything that the document says, as people read it."""
    yield from (formats.period(body["period"]["label"]), str(body["revision"]), digest(dict(body)))
    yield from (_moment(body["as_of"]), body["tenant"]["name"], body["vendor"])
    for section in sections:
        yield from (section.title, section.source, section.why or "", *sentences(section))
        yield formats.duration(section.max_age)
        if section.as_of is not None:
            yield _moment(section.as_of.isoformat())
        yield from (text for each in section.figures for text in (each.label, display(each.cell)))
        for table in section.tables:
            yield from (table.title, *(each.label for each in table.columns))
            yield from (display(cell) for row in table.rows for cell in row.cells)
    for said in (*body["commentary"], *body["acknowledgements"], *body["omissions"]):
        yield from (_moment(text) if name == "at" else text for name, text in said.items())
    yield "SHA-256"


def _moment(text: str) -> str:
    return formats.instant(datetime.fromisoformat(text).replace(microsecond=0))


def _are_ticks(found: Sequence[Decimal], chart: Chart) -> None:
    """Numbers beside an axis are no facts: they lie on one grid, which ends with what is drawn; or, of shares that lie
    close together, between round bounds around them, of which a hundred is the highest.
    """
    drawn = [
        Decimal(str(each))
        for plot in chart.plots
        for one in plot.series
        for each in one.values
        if each is not None
    ]
    ticks = sorted({Decimal(0), *found})
    step = min(after - before for before, after in pairwise(ticks))
    assert {(each - found[0]) % step for each in found} == {0}, ticks
    axis = chart.value_axis
    if axis.maximum_scale is None:
        assert min(0, *drawn) - step < ticks[0], ticks
        assert ticks[-1] < max(drawn) + step, ticks
        return
    low, high = (Decimal(str(each)) for each in (axis.minimum_scale, axis.maximum_scale))
    assert (low % Decimal("0.1"), high) == (0, 100)
    assert low <= min(drawn) < low + 1, "no more of it is cut off than is round"
    assert all(low <= each <= high for each in found), ticks


def _rows(body: Mapping[str, Any], section: str, table: str) -> dict[str, dict[str, Any]]:
    """The rows of a table by their ids, each by the ids of its columns."""
    (of,) = (each for each in body["sections"] if each["id"] == section)
    (found,) = (each for each in of["tables"] if each["id"] == table)
    names = [each["id"] for each in found["columns"]]
    return {each["id"]: dict(zip(names, each["cells"], strict=True)) for each in found["rows"]}


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, pattern
    return found[1]
