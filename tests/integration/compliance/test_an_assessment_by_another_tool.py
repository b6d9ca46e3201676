"""What another tool assessed comes in by its service: as it came out, as old as it is, beside what is judged here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.document_schemas import faults
from support.foreign_assessment import (
    DOCUMENT_UUID,
    ENDED,
    NOT_SATISFIED,
    PASSED_OVER_WORD,
    SATISFIED,
    TITLE,
    foreign_assessment,
)
from support.learning_world import BEGAN, Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.errors import InvalidInput
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import ReceiptKind, Statement, Subject
from trust_portal.evidence.strict import parse_json
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.compliance.imports.service import ImportAssessment
from trust_portal.trust.compliance.model import Evaluate, Evaluation
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.sections.model import Section, State

pytestmark = pytest.mark.takes(seconds=6)

SOURCE, WHY = "Harbour Assurance", "as agreed with them"
FRESH_FOR = timedelta(days=30)


def standings(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    return [(each.control, each.party.value, each.state.value) for each in evaluation.results]


def imported(section: Section) -> list[str | None]:
    (row,) = section.table("imported").rows
    return [cell.value for cell in row.cells]


async def kept(house: House) -> list[bytes]:
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch("SELECT document FROM compliance_imports WHERE tenant_id = $1", VENDOR_ID)
        return [bytes(row["document"]) for row in rows]


async def test_what_another_tool_found_stands_beside_what_is_judged_here_and_grows_old_by_itself(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    document = foreign_assessment()
    await house.compliance.evaluate(Evaluate(VENDOR_ID, WHY), CONSOLE)
    before = await house.compliance.evaluate(Evaluate(acme, WHY), CONSOLE)

    unknown = document.replace(b'"not-satisfied"', b'"partly-satisfied"', 1)
    with pytest.raises(InvalidInput) as refused:
        await house.assessment_imports.take(ImportAssessment(SOURCE, unknown, FRESH_FOR, WHY), sam)
    assert (refused.value.field, refused.value.message) == (
        "assessment-results.results[0].findings[1].target.status.state",
        "a finding is satisfied or not-satisfied, not 'partly-satisfied'",
    )
    assert await kept(house) == []

    taken = await house.assessment_imports.take(ImportAssessment(SOURCE, document, FRESH_FOR, WHY), sam)
    assert (taken.title, taken.oscal_version, taken.as_of) == (TITLE, "1.1.2", ENDED)
    assert (taken.satisfied, taken.not_satisfied) == (SATISFIED, NOT_SATISFIED) == (4, 2)
    assert await kept(house) == [document], "as it was handed over, to the byte"
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, taken.receipt_id)
    statement = Statement.parse(Envelope.parse(receipt.envelope).payload)
    assert receipt.kind == ReceiptKind.COMPLIANCE_IMPORTED
    assert statement.subjects == (Subject(f"assessment/{taken.id}", sha256_hex(document)),)
    assert statement.predicate["result"] == {
        "source": SOURCE,
        "title": TITLE,
        "oscal_uuid": DOCUMENT_UUID,
        "oscal_version": "1.1.2",
        "as_of": "2026-05-18T15:30:00Z",
        "max_age_s": "2592000",
        "readers": "vendor",
        "satisfied": "4",
        "not_satisfied": "2",
    }

    assert clock.now() == BEGAN
    assert standings(await house.compliance.evaluate(Evaluate(acme, WHY), CONSOLE)) == standings(before)
    clock.advance(ENDED + FRESH_FOR - BEGAN)
    await house.compliance.evaluate(Evaluate(VENDOR_ID, WHY), CONSOLE)
    theirs = await house.compliance.evaluate(Evaluate(acme, WHY), CONSOLE)
    section = compliance_section(theirs, clock.now(), None)
    row = [SOURCE, TITLE, "fresh", "4", "2", "2026-05-18T15:30:00Z", sha256_hex(document)]
    assert imported(section) == row, "exactly as old as it may be"
    assert (section.state, section.why) == (State.FRESH, None)
    assert (section.as_of, section.max_age) == (ENDED, FRESH_FOR), "it grows too old before any control does"
    waited = Wait(clock.now(), clock.now() + timedelta(seconds=1), ENDED).as_it_stands(section)
    assert (waited.state, waited.why) == (
        State.STALE,
        "it is 30\u00a0d\u00a01\u00a0s old, and may be 30\u00a0d",
    )
    late = compliance_section(theirs, clock.now() + timedelta(seconds=1), None)
    assert imported(late) == [*row[:2], "stale", *row[3:]]
    assert (late.state, late.why) == (
        State.STALE,
        f"assessment by {SOURCE}: it is 30\u00a0d\u00a01\u00a0s old, and may be 30\u00a0d",
    )

    files = await house.compliance.download(CONSOLE, acme, theirs.id)
    assert TITLE.encode() in files["compliance.json"]
    assert [name for name, each in files.items() if PASSED_OVER_WORD.encode() in each] == []
    assert faults("compliance", parse_json(files["compliance.json"])) == []
