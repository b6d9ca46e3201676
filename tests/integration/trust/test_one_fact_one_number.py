"""Every form of a Trust Report says each fact with the same number, and each number follows from the bundle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from qbr_desk import use
from report_desk import bundle_of, credited, publish, trust_of
from support.document_forms import (
    ages_in_table,
    ages_of,
    left_over,
    of_document,
    of_itself,
    of_page,
    of_pdf,
    of_table,
    printed,
    table_of,
    without_a_way,
    words,
)
from support.drawn_charts import charted, charts_on, lettering, misdrawn
from support.page_texts import around, strange_on_page
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.documents.formats import instant
from trust_portal.evidence import bundle
from trust_portal.evidence.verdict import NotRecomputable
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical
from trust_portal.trust.gathering.changes import changes_section
from trust_portal.trust.gathering.model import Before
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.recompute import recompute_trust_report
from trust_portal.trust.sections.document import section_json, sections_of
from trust_portal.trust.sections.table import document_table
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=15)


async def test_every_form_says_each_fact_with_one_number_and_every_number_follows(portal: Portal, tmp_path):
    house, aurora = portal.house, portal.world.aurora
    await use(house, "aurora")
    await publish(house, aurora.id)
    credit = await credited(house, aurora.id)
    portal.clock.advance(timedelta(minutes=5))
    report = await publish(house, aurora.id, reason="the credit was issued")
    async with sequencing(house):
        export, data = await bundle_of(house, report)
        assert await house.exports.reproduce(aurora.id, export.id) == data, "same snapshot, same bytes"
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    files = bundle.read(data).files
    body = json.loads(files["trust-report.json"])
    sections = sections_of(body)
    tables = {(each.id, table.id): table for each in sections for table in each.tables}
    assert len(tables["cost", "anomalies"].rows) == 1, "a spike is in it"
    assert [row.id for row in tables["credits", "issued"].rows] == [str(credit.id)], "a credit is in it"
    assert tables["changes", "values"].rows, "what changed is in it"

    page = (await portal.browser("customer_viewer").get(f"/t/aurora/trust/{report.id}")).text
    assert of_page(page) == of_document(sections)
    assert charts_on(page) == charted(sections)
    beside = around(
        body,
        data,
        str(export.file_name),
        noun="report",
        signed=f"Published {instant(report.published_at.replace(microsecond=0))}",
    )
    assert strange_on_page(page, body, sections, beside) == [], "a number from nowhere"
    _a_number_from_nowhere_is_found(page, body, sections, beside, export)
    assert of_table(files["trust-report.csv"]) == table_of(sections)
    assert ages_in_table(files["trust-report.csv"]) == ages_of(body, sections)
    paper = of_pdf(files["trust-report.pdf"], tmp_path)
    assert [each for each in printed(sections) if each not in paper] == []
    fingerprint = words(re.sub(r"<[^>]+>", "", page.partition("fingerprint")[2]))
    verdict_told = words("1 of 1 promises missed; EUR 100.00 credited after the period; 1 postmortem owed.")
    assert verdict_told in paper
    assert verdict_told in words(page)
    drawn = ["".join(each) for each in lettering(page)]
    assert [each for each in drawn if each not in paper] == []
    known = [*printed(sections), *of_itself(body, sections), *drawn, words(str(export.file_name))]
    rest = left_over(paper, known)
    assert [each for each in rest if not _is_furniture(each, fingerprint)] == [], "a number from nowhere"
    assert without_a_way(sections) == []

    without = {name: each for name, each in files.items() if name != "trust-report.csv"}
    lacking = recompute_trust_report(without)
    assert [(each.file, each.reported) for each in lacking] == [("trust-report.csv", "(absent)")]
    for change, field, claimed, derived in FORGERIES:
        found = recompute_trust_report(_forged(files, change))
        assert (field, claimed, derived) in [(each.field, each.reported, each.recomputed) for each in found]
        assert {each.file for each in found} == {"trust-report.json"}, "the table was made of the forgery"
    _is_told_as_in_format_2(files)
    memo = f"inputs/credits/{credit.id}.json"
    forged = canonical({**json.loads(files[memo]), "vendor": "Somebody"})
    with pytest.raises(NotRecomputable) as refused:
        recompute_trust_report({**files, memo: forged})
    assert refused.value.file == memo
    for gone in (memo, "inputs/sla/2026-06-r1.json", "inputs/previous.json"):
        with pytest.raises(NotRecomputable) as refused:
            recompute_trust_report({name: each for name, each in files.items() if name != gone})
        assert refused.value.file == gone


def _a_number_from_nowhere_is_found(page, body, sections, beside, export) -> None:
    """Wherever on the page it stands: what finds none there finds each of these."""
    for said, instead, found in (
        ("1 of 1 promises", "2 of 1 promises", "2of1promisesmissed"),
        ("Trust Report, revision 2", "Trust Report, revision 21", "TrustReport,revision21"),
        ("</h1>", " and 3 more</h1>", "Q22026and3more"),
        ("\u00a0kB</span>", "0\u00a0kB</span>", f"{export.file_name}signedbundle"),
        (f'data-copy="{export.digest}"', f'data-copy="{export.digest[:-1]}"', export.digest[:-1]),
        ('title="Evidence: Attained"', 'title="Evidence: Attained 3 times"', "Evidence:Attained3times"),
    ):
        assert said in page
        (strange,) = strange_on_page(page.replace(said, instead, 1), body, sections, beside)
        assert strange.startswith(found)
    for said, instead, found in (
        (">99.9 %<", ">99.8 %<", "api: attained: a target ['99.8%'] in place of 99.9"),
        (">99.7 %<", ">99.6 %<", "api: attained: 99.791666 is drawn at 118.2"),
        ("118.2H", "108.2H", "api: attained: 99.791666 is drawn at 108.2"),
        (">2026-06</text>", ">2026-05</text>", "api: attained: ['2026-05'] below it in place of ['2026-06']"),
    ):
        assert said in page
        assert found in misdrawn(page.replace(said, instead), sections)


def _is_told_as_in_format_2(files: dict[str, bytes]) -> None:
    """What format 2 said follows by its own rule, and by no other format's."""
    previous = _second(json.loads(files["inputs/previous.json"]))
    second = {**files, "inputs/previous.json": canonical(previous)}
    second = _forged(second, lambda body: _compared(_second(body), previous))
    assert recompute_trust_report(second) == []
    found = recompute_trust_report(_forged(second, _figure("sla", "down", "0")))
    assert (f"{_SLA}.figures[3].value", "0", "3") in [
        (each.field, each.reported, each.recomputed) for each in found
    ]
    with pytest.raises(NotRecomputable) as refused:
        recompute_trust_report(_forged(second, lambda body: body.update(format="3")))
    assert refused.value.file == "trust-report.json", "it does not say what was still owed of before"


def _second(body: dict[str, Any]) -> dict[str, Any]:
    """``body`` in the words of format 2."""
    body["format"] = "2"
    levels, incidents = _section(body, "sla"), _section(body, "incidents")
    incidents["tables"] = [each for each in incidents["tables"] if each["id"] != "earlier"]
    (down,) = (each for each in levels["figures"] if each["id"] == "any-down")
    assert down["value"] == "3"
    down.update(id="down", label="Down in the period")
    levels["sentences"] = [
        "Promises in the period: {promises}; kept: {kept}; missed: {missed}; down: {down}."
    ]
    _one_sum(_section(body, "credits"))
    _metered_from_the_start(_section(body, "cost"))
    return body


def _compared(body: dict[str, Any], previous: dict[str, Any]) -> None:
    """``body`` with what changed since ``previous``, in whose words both are."""
    *others, _ = sections_of(body)
    named = body["previous"]
    earlier = {each.id: each for each in sections_of(previous)}
    before = Before(named["period"], int(named["revision"]), named["sha256"], earlier)
    body["sections"][-1] = section_json(
        changes_section(others, before, datetime.fromisoformat(body["as_of"]))
    )


def _one_sum(credits_: dict[str, Any]) -> None:
    """What was issued for the period after it and what was issued in it, as they were counted before format 5."""
    figures = {each["id"]: each for each in credits_["figures"]}
    if "later" not in figures:
        return
    assert (figures["issued"]["value"], figures["later"]["value"]) == ("0", "1")
    figures["issued"]["value"] = "1"
    figures["later-eur"].update(id="sum-eur", label="Issued in EUR")
    credits_["figures"] = [each for each in credits_["figures"] if each["id"] != "later"]
    credits_["sentences"] = ["Credits issued: {issued}, {sum-eur} in all.", *credits_["sentences"][2:]]


def _metered_from_the_start(cost: dict[str, Any]) -> None:
    """Before format 5 nothing said that a period was metered in part."""
    cost["figures"] = [each for each in cost["figures"] if each["id"] != "metered-since"]
    cost["sentences"] = [each for each in cost["sentences"] if "{metered-since}" not in each]


def _cell(section: str, table: str, column: str, value: str) -> Callable[[dict[str, Any]], None]:
    """Writes another value into the first row of a table."""

    def change(body: dict[str, Any]) -> None:
        (found,) = (each for each in _section(body, section)["tables"] if each["id"] == table)
        at = [each["id"] for each in found["columns"]].index(column)
        found["rows"][0]["cells"][at]["value"] = value

    return change


def _figure(section: str, figure: str, value: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        (found,) = (each for each in _section(body, section)["figures"] if each["id"] == figure)
        found["value"] = value

    return change


def _as_of(section: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: _section(body, section).update(as_of=value)


def _no_gap(body: dict[str, Any]) -> None:
    """The gap stands in the table, and the section says that it is fresh."""
    _section(body, "incidents").update(state="fresh", why=None)
    body["acknowledgements"] = [each for each in body["acknowledgements"] if each["section"] != "incidents"]


def _section(body: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (each for each in body["sections"] if each["id"] == name)
    return found


_SLA, _INCIDENTS, _COST, _CREDITS = (f"$.sections[{number}]" for number in range(4))
#: What somebody who holds the keys writes instead; the field that is named, what it claims, what follows.
FORGERIES = (
    (
        _cell("sla", "objective-api", "attained", "99.99"),
        f"{_SLA}.tables[0].rows[0].cells[1].value", "99.99", "99.791666",
    ),
    (_cell("sla", "objective-api", "met", "yes"), f"{_SLA}.tables[0].rows[0].cells[4].value", "yes", "no"),
    (_cell("sla", "objective-api", "target", "99.5"), f"{_SLA}.tables[0].rows[0].cells[3].value", "99.5", "99.9"),
    (_cell("sla", "objective-api", "down", "0"), f"{_SLA}.tables[0].rows[0].cells[5].value", "0", "3"),
    (_figure("sla", "missed", "0"), f"{_SLA}.figures[1].value", "0", "1"),
    (_figure("sla", "any-down", "0"), f"{_SLA}.figures[3].value", "0", "3"),
    (_as_of("sla", "2026-07-10T09:04:00Z"), f"{_SLA}.as_of", "2026-07-10T09:04:00Z", "2026-07-10T09:00:00Z"),
    (_cell("credits", "issued", "amount", "900.00"), f"{_CREDITS}.tables[0].rows[0].cells[2].value", "900.00", "100.00"),
    (_cell("credits", "issued", "reference", "CN-1"), f"{_CREDITS}.tables[0].rows[0].cells[3].value", "CN-1", "CN-2026-0017"),
    (_figure("credits", "later-eur", "900.00"), f"{_CREDITS}.figures[2].value", "900.00", "100.00"),
    (_figure("credits", "later", "9"), f"{_CREDITS}.figures[1].value", "9", "1"),
    (_figure("credits", "issued", "9"), f"{_CREDITS}.figures[0].value", "9", "0"),
    (_figure("incidents", "gaps", "0"), f"{_INCIDENTS}.figures[1].value", "0", "1"),
    (_no_gap, f"{_INCIDENTS}.state", "fresh", "missing"),
    (_figure("cost", "anomalies", "0"), f"{_COST}.figures[0].value", "0", "1"),
    (_figure("cost", "excess-eur", "1.00"), f"{_COST}.figures[3].value", "1.00", "531.35"),
    (_cell("incidents", "major", "minutes", "1"), f"{_INCIDENTS}.tables[0].rows[0].cells[5].value", "1", "null"),
    (_figure("access", "staff", "9"), "$.sections[7].figures[0].value", "9", "0"),
    (_figure("changes", "changed", "0"), "$.sections[9].figures[3].value", "0", "1"),
)  # fmt: skip


def _forged(files: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    body = json.loads(files["trust-report.json"])
    change(body)
    table = document_table(body)
    return {**files, "trust-report.json": canonical(body), "trust-report.csv": table}


def _is_furniture(piece: str, fingerprint: str) -> bool:
    """Words of the page itself: its number, the revision in its head, and the key to compare."""
    text = re.sub(r"^\d+/\d+", "", piece).replace("revision2", "")
    keys = re.findall(r"[0-9a-f]{64}", text)
    for each in keys:
        assert each in fingerprint
        text = text.replace(each, "")
    return not re.search(r"\d", text)
