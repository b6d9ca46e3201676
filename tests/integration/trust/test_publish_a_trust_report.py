"""A Trust Report is published with what is stale or missing said, verifies offline, and stays as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from report_desk import Q2, acknowledged, bundle_of, publish, stored, trust_of
from support.document_schemas import faults
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence import bundle
from trust_portal.evidence.audit import AuditTotals, audit
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.trust.gathering.everything import GATHERERS
from trust_portal.trust.gathering.ids import CHANGES, SECTIONS
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.attestation import attest
from trust_portal.trust.report.model import Acknowledgement, Preview, PublishTrustReport
from trust_portal.trust.report.presentation import trust_report_html
from trust_portal.trust.sections.document import section_json, section_of
from trust_portal.trust.sections.imprint import Imprint
from trust_portal.trust.sections.model import State
from trust_portal.trust.sections.outcome import outcome
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=10)


async def test_what_blocks_is_named_and_nothing_changes_until_it_is_acknowledged(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    preview = await house.trust_reports.preview(CONSOLE, aurora.id, Q2)
    states = {each.id: (each.state, each.why) for each in preview.sections}
    assert states["sla"] == (State.FRESH, None)
    assert states["credits"] == (State.MISSING, "due, and not on its way: EUR\u00a0100.00 for June 2026")
    assert states["cost"] == (State.NOT_APPLICABLE, "no usage of this customer is metered")
    assert states["incidents"] == (
        State.MISSING,
        "no signed postmortem of P1 Secret trouble of aurora",
    ), "a P1 without a postmortem is a gap with a name"
    again = await house.trust_reports.preview(CONSOLE, aurora.id, Q2)
    assert _bytes(again) == _bytes(preview), "same snapshot, same bytes"
    before = await stored(house, aurora.id)

    with pytest.raises(Conflict) as refused:
        await house.trust_reports.publish(PublishTrustReport(aurora.id, Q2), CONSOLE)
    assert refused.value.code == "SECTIONS_BLOCK"
    assert "Major incidents (incidents), missing: no signed postmortem of P1 Secret trouble of aurora" in str(
        refused.value
    )

    given = await acknowledged(house, aurora.id)
    for wrong, code in (
        ((*given[1:], Acknowledgement("incidents", "we know", "missing: something else")), "SECTION_CHANGED"),
        ((*given, Acknowledgement("sla", "we know", "stale")), "NOTHING_TO_ACKNOWLEDGE"),
    ):
        with pytest.raises(Conflict) as refused:
            await house.trust_reports.publish(PublishTrustReport(aurora.id, Q2, wrong), CONSOLE)
        assert refused.value.code == code
    for period in ("2026-Q4", "June"):
        with pytest.raises(InvalidInput):
            await house.trust_reports.publish(PublishTrustReport(aurora.id, period, given), CONSOLE)
    assert await stored(house, aurora.id) == before


async def test_the_bundle_verifies_offline_and_says_what_was_let_stand(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    assert (report.number, report.revision, report.superseded_by) == (1, 1, None)
    async with sequencing(house):
        export, data = await bundle_of(house, report)
        assert export.file_name == "aurora-trust-report-2026-Q2-r1.zip"
        assert await house.exports.reproduce(aurora.id, export.id) == data, "same snapshot, same bytes"
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    subject = verdict.subject
    assert (subject.kind, subject.tenant, subject.period) == ("trust-report", "aurora", "2026-Q2")

    files = bundle.read(data).files
    document = json.loads(files["trust-report.json"])
    assert canonical(document) == files["trust-report.json"]
    assert faults("trust-report", document) == []
    assert sha256_hex(files["trust-report.json"]) == report.sha256
    sections = {each["id"]: each for each in document["sections"]}
    objective = sections["sla"]["tables"][0]
    assert objective["title"] == "api"
    (june,) = objective["rows"]
    assert [each["value"] for each in june["cells"]] == [
        "2026-06", "99.791666", "99.791666", "99.9", "no", "3", "3",
    ]  # fmt: skip
    assert june["cells"][1]["receipt"] == str(aurora.receipt)
    let_stand = {each["section"]: each for each in document["acknowledgements"]}
    assert let_stand["incidents"]["reason"] == "we know that of major incidents"
    assert let_stand["incidents"]["state"] == "missing"
    assert sha256_hex(files["inputs/sla/2026-06-r1.json"]) == document["inputs"][-1]["sha256"]
    assert f"receipts/{aurora.receipt}.dsse.json" in files
    assert b"sla/objective-api/2026-06/attained,percent,,99.791666,fresh," in files["trust-report.csv"]
    assert files["trust-report.pdf"].startswith(b"%PDF")
    await _downloads(portal, data, files)
    assert [each async for each in audit(house.storage, AuditTotals(), aurora.id, house.auditors)] == []

    # Marks are read from figures by name: here they are as the sections are gathered and not as a test types them.
    went = {id_: outcome(section_of(body)) for id_, body in sections.items()}
    assert {id_: each for id_, each in went.items() if each is not None} == {
        "sla": ("bad", "Missed"),
        "incidents": ("bad", "1 postmortem owed"),
        "credits": ("bad", "1 due, and not on its way"),
    }

    # A report that leaves a part out, published by whoever holds the keys: it says nothing of notes, and not so.
    assert tuple(sections) == SECTIONS == (*GATHERERS, CHANGES)
    less = canonical(
        {**document, "sections": [each for each in document["sections"] if each["id"] != "notes"]}
    )
    receipt = f"receipts/{report.receipt_id}.dsse.json"
    envelope = Envelope.parse(files[receipt])
    statement = json.loads(envelope.payload)
    statement["subject"][0]["digest"]["sha256"] = sha256_hex(less)
    del statement["predicate"]["result"]["sections"]["notes"]
    forged = replace(envelope, payload=canonical(statement)).to_json()
    (gap,) = attest({**files, "trust-report.json": less, receipt: forged}).gaps
    assert (gap.file, gap.field) == ("trust-report.json", "sections")


async def test_another_revision_needs_a_reason_and_says_what_it_replaces(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    first = await publish(house, aurora.id)
    before = await stored(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await publish(house, aurora.id)
    assert refused.value.code == "REASON_REQUIRED"
    assert await stored(house, aurora.id) == before

    second = await publish(house, aurora.id, reason="the postmortem was late")
    assert (second.number, second.revision) == (2, 2)
    newest, oldest = await house.trust_reports.versions(CONSOLE, aurora.id)
    assert (newest.superseded_by, oldest.superseded_by) == (None, 2)
    opened = await house.trust_reports.get(CONSOLE, aurora.id, second.id)
    named = {"period": Q2, "revision": "1", "sha256": first.sha256}
    assert opened.document["supersedes"] == named
    assert opened.document["previous"] == named
    async with sequencing(house):
        _, data = await bundle_of(house, second)
    files = bundle.read(data).files
    assert sha256_hex(files["inputs/previous.json"]) == first.sha256
    assert verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS).ok


async def test_a_stale_section_blocks_and_once_acknowledged_is_printed_as_such(portal: Portal):
    house, aurora = portal.house, portal.world.aurora
    portal.clock.advance(timedelta(days=101))
    with pytest.raises(Conflict) as refused:
        await house.trust_reports.publish(PublishTrustReport(aurora.id, Q2), CONSOLE)
    why = "it is 101\u00a0d old, and may be 100\u00a0d"
    assert f"Service levels (sla), stale: {why}" in str(refused.value)
    report = await publish(house, aurora.id)
    opened = await house.trust_reports.get(CONSOLE, aurora.id, report.id)
    sla = opened.document["acknowledgements"][0]
    assert (sla["section"], sla["state"], sla["why"]) == ("sla", "stale", why)
    printed = trust_report_html(
        opened.document, Imprint("0" * 64, "bundle.zip", "2026-10-19T09:00:00Z", "Cora")
    )
    assert f"Published although stale: {why}. Reason: we know that of service levels" in printed


async def _downloads(portal: Portal, data: bytes, files: dict[str, bytes]) -> None:
    """What a reader finds over GraphQL can be fetched by a program; a reader's copy of the PDF is marked."""
    query = "{ viewer { tenant { trustReports(first: 9) { nodes { export { downloadUrl sha256 } } } } } }"
    async with portal.program(portal.world.tokens["customer_admin:read"]) as program:
        answer = (await program.post("/graphql", json={"query": query})).json()["data"]
        (shown,) = [each["export"] for each in answer["viewer"]["tenant"]["trustReports"]["nodes"]]
        assert (await program.get(shown["downloadUrl"])).content == data
        assert shown["sha256"] == sha256_hex(data)
        place = shown["downloadUrl"].removesuffix("/bundle.zip")
        for name, media_type in (
            ("trust-report.json", "application/json"),
            ("trust-report.csv", "text/csv; charset=utf-8"),
            ("trust-report.pdf", "application/pdf"),
        ):
            single = await program.get(f"{place}/files/{name}")
            assert (single.content, single.headers["content-type"]) == (files[name], media_type)
    async with portal.browser("customer_viewer") as viewer:
        copy = await viewer.get(f"{place}/copies/trust-report.pdf")
    original, marked = (PdfReader(BytesIO(each)) for each in (files["trust-report.pdf"], copy.content))
    assert len(original.pages) == len(marked.pages)
    for each in marked.pages:
        said = " ".join(each.extract_text().split())
        assert "Reader’s copy, taken by Customer_Viewer" in said
        assert "10 July 2026, 09:00 UTC" in said


def _bytes(preview: Preview) -> bytes:
    return canonical([section_json(each) for each in preview.sections])
