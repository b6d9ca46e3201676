"""An assessment from elsewhere is withdrawn: it counts and ages no more, and what was handed over stays."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from support.document_schemas import faults
from support.foreign_assessment import TITLE, foreign_assessment
from support.learning_world import Vendor

from trust_portal.access.access_log.model import AccessFilter, Verb
from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.strict import parse_json
from trust_portal.house import House
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.trust.compliance.imports.service import ImportAssessment, WithdrawAssessment
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate, Imported
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.trust.sections.model import State

pytestmark = pytest.mark.takes(seconds=12)

SOURCE = "Harbour Assurance"
WHY = "The contract with them has ended"
HOUR = timedelta(hours=1)


async def taken(house: House, sam: Actor, document: bytes | None = None) -> Imported:
    command = ImportAssessment(
        SOURCE,
        document or foreign_assessment(),
        timedelta(days=60),
        "Each spring",
        AssessmentReaders.CUSTOMERS,
    )
    return await house.assessment_imports.take(command, sam)


async def kept(house: House) -> list[tuple[str, int]]:
    async with house.storage.read(StaffScope()) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT 'imports' AS what, count(*) AS n FROM compliance_imports UNION ALL"
            " SELECT 'withdrawals', count(*) FROM compliance_import_withdrawals UNION ALL"
            " SELECT 'receipts', count(*) FROM receipts WHERE kind LIKE 'compliance.%' ORDER BY what"
        )
    return [tuple(row) for row in rows]


async def due(house: House) -> list[UUID]:
    """Whom the clockwork would judge now."""
    await house.compliance.ask_for_due()
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT arguments FROM outbox WHERE job = 'evaluate_compliance' ORDER BY id"
        )
    return [UUID(dict(row["arguments"])["tenant_id"]) for row in rows]


async def test_withdrawn_it_neither_counts_nor_blocks_and_customers_read_since_when(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    imported = await taken(house, sam)
    clock.advance(timedelta(days=90))
    await house.compliance.evaluate(Evaluate(VENDOR_ID, "daily"), CONSOLE)
    before = await house.compliance.evaluate(Evaluate(acme, "daily"), CONSOLE)
    assert "withdrawn" not in parse_json(before.document)["imports"][0], "as version 1 was from its first day"
    stale = compliance_section(before, clock.now(), None)
    assert stale.state is State.STALE
    assert stale.why is not None
    assert stale.why.startswith(f"assessment by {SOURCE}: ")

    clock.advance(HOUR)
    withdrawn = await house.assessment_imports.withdraw(WithdrawAssessment(imported.id, f" {WHY} "), sam)
    assert withdrawn.withdrawn is not None
    assert withdrawn.withdrawn.at == clock.now()
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, withdrawn.withdrawn.receipt_id)
    predicate = json.loads(Envelope.parse(receipt.envelope).payload)["predicate"]
    assert receipt.kind == "compliance.withdrawn"
    assert [(each.name, each.sha256) for each in receipt.subjects] == [
        (f"assessment/{imported.id}", imported.sha256)
    ]
    assert predicate["result"] == {
        "source": SOURCE,
        "title": TITLE,
        "imported_by": str(imported.receipt_id),
    }
    assert predicate["rationale"] == WHY

    after = await house.compliance.evaluate(Evaluate(acme, "daily"), CONSOLE)
    body = parse_json(after.document)
    assert faults("compliance", body) == []
    (entry,) = body["imports"]
    assert entry["withdrawn"] == {
        "at": rfc3339(withdrawn.withdrawn.at),
        "receipt": str(withdrawn.withdrawn.receipt_id),
    }
    section = compliance_section(after, clock.now(), None)
    assert (section.state, section.why) == (State.FRESH, None)
    assert section.table("imported").rows == ()
    (row,) = section.table("withdrawn").rows
    assert [cell.value for cell in row.cells] == [
        SOURCE,
        TITLE,
        rfc3339(withdrawn.withdrawn.at),
        imported.sha256,
    ]
    assert row.cells[3].href == f"/compliance/imports/{imported.id}"
    assert await house.assessment_imports.newest(sam) == (withdrawn,)


async def test_another_one_by_the_same_source_counts_again(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    first = await taken(house, sam)
    await house.assessment_imports.withdraw(WithdrawAssessment(first.id, WHY), sam)
    clock.advance(HOUR)
    second = await taken(house, sam, foreign_assessment() + b"\n")
    await house.compliance.evaluate(Evaluate(VENDOR_ID, "daily"), CONSOLE)
    section = compliance_section(
        await house.compliance.evaluate(Evaluate(acme, "daily"), CONSOLE), clock.now(), None
    )
    assert [row.id for row in section.table("imported").rows] == [str(second.id)]
    assert "withdrawn" not in {table.id for table in section.tables}
    with pytest.raises(Conflict) as twice:
        await house.assessment_imports.withdraw(WithdrawAssessment(first.id, WHY), sam)
    assert twice.value.code == "ALREADY_WITHDRAWN"


async def test_what_may_not_be_withdrawn_changes_nothing(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    cleo = (await vendor.person("Cleo", Role.CSM)).as_actor()
    carol = (await vendor.person("Carol", Role.CUSTOMER_ADMIN, tenant_id=acme)).as_actor()
    first = await taken(house, sam)
    clock.advance(HOUR)
    second = await taken(house, sam, foreign_assessment() + b"\n")
    before = await kept(house)
    assert before == [("imports", 2), ("receipts", 2), ("withdrawals", 0)]
    for actor in (cleo, carol):
        with pytest.raises(Denied):
            await house.assessment_imports.withdraw(WithdrawAssessment(second.id, WHY), actor)
    with pytest.raises(Conflict) as earlier:
        await house.assessment_imports.withdraw(WithdrawAssessment(first.id, WHY), sam)
    assert earlier.value.code == "SUPERSEDED"
    with pytest.raises(NotFound):
        await house.assessment_imports.withdraw(WithdrawAssessment(new_id(), WHY), sam)
    with pytest.raises(InvalidInput):
        WithdrawAssessment(second.id, " ")
    assert await kept(house) == before


async def test_what_is_taken_in_or_withdrawn_makes_everybodys_evaluation_due(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()

    async def judged() -> None:
        for each in (VENDOR_ID, acme):
            await house.compliance.do_scheduled(each, None)
        async with house.storage.write(TenantScope(VENDOR_ID)) as session:
            await (await session.driver()).execute("DELETE FROM outbox WHERE job = 'evaluate_compliance'")

    clock.advance(timedelta(days=2))
    await judged()
    assert await due(house) == []
    clock.advance(HOUR)
    imported = await taken(house, sam)
    assert await due(house) == [VENDOR_ID], "whom the others inherit from goes first"
    await judged()
    assert await due(house) == []
    clock.advance(HOUR)
    await house.assessment_imports.withdraw(WithdrawAssessment(imported.id, WHY), sam)
    assert await due(house) == [VENDOR_ID]
    await judged()
    assert await due(house) == []
    newest = await house.compliance.newest(CONSOLE, acme)
    assert newest is not None
    assert newest.at == clock.now()


async def test_what_was_handed_over_is_fetched_byte_for_byte_and_the_fetch_is_on_record(
    house: House, vendor: Vendor
) -> None:
    acme, other = await vendor.customer("acme"), await vendor.customer("globex")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    vic = (await vendor.person("Vic", Role.CUSTOMER_VIEWER, tenant_id=acme)).as_actor()
    imported = await taken(house, sam)
    await house.assessment_imports.withdraw(WithdrawAssessment(imported.id, WHY), sam)
    found, document = await house.assessment_imports.download(vic, acme, imported.id)
    assert document == foreign_assessment()
    assert sha256_hex(document) == found.sha256 == imported.sha256
    assert (await house.assessment_imports.download(sam, VENDOR_ID, imported.id))[1] == document
    with pytest.raises(NotFound):
        await house.assessment_imports.download(vic, other, imported.id)
    with pytest.raises(NotFound):
        await house.assessment_imports.download(vic, acme, new_id())
    wanted = AccessFilter(None, Verb.DOWNLOADED)
    log = await house.access_log.page(vic, acme, PageRequest(10), wanted)
    assert [(each.actor_name, each.access.what, each.access.subject) for each in log.items] == [
        ("Vic", "assessment", str(imported.id))
    ]
