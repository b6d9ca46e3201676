"""What a signed report earns is in the Trust Report and the review from the day it is signed, whoever proposes it when."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import qbr_desk
from report_desk import CORA, Q2, bundle_of, credited, publish, stored, trust_of
from support.portal_fixtures import Portal
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict
from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.report.model import Acknowledgement, PublishTrustReport, blocked_as
from trust_portal.trust.report.recompute import recompute_trust_report
from trust_portal.trust.sections.model import Section, State
from trust_portal.trust.sections.table import document_table
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=15)


async def _credits(portal: Portal) -> Section:
    found = await portal.house.trust_reports.preview(CONSOLE, portal.world.aurora.id, Q2)
    return next(each for each in found.sections if each.id == "credits")


async def test_a_due_credit_blocks_until_it_is_proposed_or_somebody_says_why_not(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    section = await _credits(portal)
    assert (section.state, section.why) == (
        State.MISSING,
        "due, and not on its way: EUR\u00a0100.00 for June 2026",
    )
    found = await house.trust_reports.preview(CONSOLE, aurora.id, Q2)
    others = tuple(
        Acknowledgement(each.id, "we know", blocked_as(each))
        for each in found.blocking
        if each.id != "credits"
    )
    before = await stored(house, aurora.id)
    with pytest.raises(Conflict) as refused:
        await house.trust_reports.publish(PublishTrustReport(aurora.id, Q2, others), CONSOLE)
    assert (refused.value.code, refused.value.field) == ("SECTIONS_BLOCK", "reason-credits")
    assert await stored(house, aurora.id) == before
    qbr = await qbr_desk.prepare(house, aurora.id)
    draft = await house.qbr_reader.draft(CORA, aurora.id, qbr.id)
    assert next(each for each in draft.told if each.id == "credits") == section, "the review says the same"

    credit = await credited(house, aurora.id)
    paid = await _credits(portal)
    assert (paid.state, [row.id for row in paid.table("issued").rows]) == (State.FRESH, [str(credit.id)])
    assert paid.table("due").rows == ()


async def test_whoever_leaves_out_what_is_owed_is_named_by_the_report_that_earns_it(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    report = await publish(house, aurora.id)
    (named,) = (each for each in report.acknowledged if each.section == "credits")
    assert (named.state, named.reason) == (State.MISSING, "we know that of credits")
    portal.clock.advance(timedelta(minutes=5))
    async with sequencing(house):
        _, data = await bundle_of(house, report)
    verdict = verify(data, policy=await trust_of(house, aurora.id), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    files = bundle.read(data).files

    def recomputed(**changes: Any) -> list[tuple[str, str, str]]:
        body = json.loads(files["trust-report.json"])
        (section,) = (each for each in body["sections"] if each["id"] == "credits")
        due = next(each for each in section["tables"] if each["id"] == "due")
        if changes.get("rows") is not None:
            due["rows"] = changes["rows"]
        if "amount" in changes:
            due["rows"][0]["cells"][2]["value"] = changes["amount"]
        if "state" in changes:
            section.update(state=changes["state"], why=None)
            body["acknowledgements"] = [
                each for each in body["acknowledgements"] if each["section"] != "credits"
            ]
        table = document_table(body)
        again = {**files, "trust-report.json": canonical(body), "trust-report.csv": table}
        return [(each.field, each.reported, each.recomputed) for each in recompute_trust_report(again)]

    place = "$.sections[3]"
    assert recomputed() == []
    assert (f"{place}.tables.due.2026-06", "nothing is due", "100.00 EUR") in recomputed(rows=[])
    assert (f"{place}.figures[3].value", "100.00", "1.00") in recomputed(amount="1.00")
    assert recomputed(state="fresh") == [(f"{place}.state", "fresh", "missing")]
