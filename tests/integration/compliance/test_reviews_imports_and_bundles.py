"""Roles are reviewed by others than their holders; assessments come in whole or not at all; a bundle verifies."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from support.document_schemas import faults
from support.learning_world import Vendor
from support.sequencing import sequencing

from trust_portal.access.access_log.model import AccessFilter, Verb
from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.trust.compliance.imports.service import ImportAssessment
from trust_portal.trust.compliance.model import ControlState, Evaluate
from trust_portal.trust.compliance.reviews.model import RecordReview, ReviewAct
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.trust.recompute import RECOMPUTERS
from trust_portal.trust.sections.model import State
from trust_portal.trust.verification import KINDS

pytestmark = pytest.mark.takes(seconds=12)

DAY = timedelta(days=1)
WHY = "looked at it with her manager"


async def rows(house: House) -> list[tuple[str, int]]:
    """What reviews and imports have left behind."""
    async with house.storage.read(StaffScope()) as session:
        driver = await session.driver()
        found = await driver.fetch(
            "SELECT 'reviews' AS what, count(*) AS n FROM access_reviews UNION ALL"
            " SELECT 'imports', count(*) FROM compliance_imports UNION ALL"
            " SELECT 'receipts', count(*) FROM receipts WHERE kind LIKE 'access_review.%'"
            " OR kind = 'compliance.imported' ORDER BY what"
        )
        return [tuple(row) for row in found]


async def test_a_role_is_confirmed_or_revoked_by_somebody_else(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    cleo = await vendor.person("Cleo", Role.CSM)
    carol = (await vendor.person("Carol", Role.CUSTOMER_ADMIN, tenant_id=acme)).as_actor()
    vic = await vendor.person("Vic", Role.CUSTOMER_VIEWER, tenant_id=acme)
    clock.advance(91 * DAY)
    held = {each.person_name: each for each in await house.access_reviews.held(sam, VENDOR_ID)}
    assert {name: each.is_overdue(clock.now()) for name, each in held.items()} == {"Sam": True, "Cleo": True}
    own = RecordReview(VENDOR_ID, held["Sam"].grant_id, ReviewAct.CONFIRM, WHY)
    with pytest.raises(Conflict) as refused:
        await house.access_reviews.record(own, sam)
    assert refused.value.code == "OWN_ROLE"
    with pytest.raises(Denied):
        await house.access_reviews.record(
            RecordReview(VENDOR_ID, held["Sam"].grant_id, ReviewAct.REVOKE, WHY), cleo.as_actor()
        )
    with pytest.raises(InvalidInput) as empty:
        RecordReview(VENDOR_ID, held["Cleo"].grant_id, ReviewAct.CONFIRM, " ")
    assert empty.value.field == "reason"
    with pytest.raises(NotFound):
        await house.access_reviews.record(RecordReview(VENDOR_ID, new_id(), ReviewAct.CONFIRM, WHY), sam)
    assert await rows(house) == [("imports", 0), ("receipts", 0), ("reviews", 0)]

    await house.access_reviews.record(
        RecordReview(VENDOR_ID, held["Cleo"].grant_id, ReviewAct.CONFIRM, WHY), sam
    )
    theirs = {each.person_name: each for each in await house.access_reviews.held(carol, acme)}
    await house.access_reviews.record(
        RecordReview(acme, theirs["Vic"].grant_id, ReviewAct.REVOKE, "left the project"), carol
    )
    assert (await house.people.get(CONSOLE, acme, vic.id)).roles == frozenset()
    with pytest.raises(NotFound):
        await house.access_reviews.record(
            RecordReview(acme, theirs["Vic"].grant_id, ReviewAct.CONFIRM, WHY), carol
        )
    with pytest.raises(NotFound):
        await house.access_reviews.held(carol, VENDOR_ID)
    after = {each.person_name: each for each in await house.access_reviews.held(sam, VENDOR_ID)}
    assert (after["Cleo"].reviewed_by, after["Cleo"].due_at) == ("Sam", clock.now() + 90 * DAY)
    assert await rows(house) == [("imports", 0), ("receipts", 2), ("reviews", 2)]
    evaluation = await house.compliance.evaluate(Evaluate(VENDOR_ID, WHY), CONSOLE)
    (roles,) = (each for each in evaluation.results if each.control == "access-review")
    assert [each.name for each in roles.gaps] == [f"approver_security of person {sam.id}"]


async def test_a_bundle_verifies_and_what_elsewhere_assessed_is_beside_it_with_its_age(
    house: House, vendor: Vendor, clock: ManualClock
) -> None:
    acme = await vendor.customer("acme")
    carol = (await vendor.person("Carol", Role.CUSTOMER_ADMIN, tenant_id=acme)).as_actor()
    sam = (await vendor.person("Sam", Role.APPROVER_SECURITY)).as_actor()
    own = await house.compliance.evaluate(Evaluate(VENDOR_ID, WHY), CONSOLE)
    elsewhere = (await house.compliance.download(CONSOLE, VENDOR_ID, own.id))["assessment-results.json"]

    broken = json.loads(elsewhere)
    del broken["assessment-results"]["results"][0]["start"]
    with pytest.raises(InvalidInput) as refused:
        await house.assessment_imports.take(
            ImportAssessment("Cloud Auditors", canonical(broken), 30 * DAY, WHY), sam
        )
    assert (refused.value.field, refused.value.message) == (
        "assessment-results.results[0].start",
        "it is missing",
    )
    command = ImportAssessment("Cloud Auditors", elsewhere, 30 * DAY, WHY)
    with pytest.raises(Denied):
        await house.assessment_imports.take(command, carol)
    assert await rows(house) == [("imports", 0), ("receipts", 0), ("reviews", 0)]
    taken = await house.assessment_imports.take(command, sam)
    with pytest.raises(Conflict) as again:
        await house.assessment_imports.take(command, sam)
    assert again.value.code == "ALREADY_IMPORTED"
    assert await rows(house) == [("imports", 1), ("receipts", 1), ("reviews", 0)]
    assert (taken.satisfied, taken.not_satisfied, taken.as_of) == (5, 0, own.at)

    clock.advance(29 * DAY)
    await house.compliance.evaluate(Evaluate(VENDOR_ID, WHY), CONSOLE)
    theirs = await house.compliance.evaluate(Evaluate(acme, WHY), CONSOLE)
    section = compliance_section(theirs, clock.now(), None)
    (imported,) = section.table("imported").rows
    assert [cell.value for cell in imported.cells[:5]] == [
        "Cloud Auditors",
        taken.title,
        "fresh",
        "5",
        "0",
    ]
    assert section.state is State.FRESH
    late = compliance_section(theirs, clock.now() + 2 * DAY, None)
    assert (late.state, late.why) == (
        State.STALE,
        "assessment by Cloud Auditors: it is 31\u00a0d old, and may be 30\u00a0d",
    )

    export = await house.compliance.export(carol, acme, theirs.id)
    async with sequencing(house), asyncio.timeout(120):
        built = await house.exports.build(acme, export.id)
    assert built.state is ExportState.READY
    async with house.storage.read(TenantScope(acme)) as session:
        bundle = (await house.exports.artefact(session, acme, export.id)).content
    verdict = verify(
        bundle,
        pinned=frozenset({house.keyring.receipts.key_id, house.keyring.checkpoints.key_id}),
        kinds=KINDS,
        recomputers=RECOMPUTERS,
    )
    assert verdict.findings == (), verdict
    assert await house.exports.reproduce(acme, export.id) == bundle
    files = await house.compliance.download(carol, acme, theirs.id)
    assert faults("compliance", parse_json(files["compliance.json"])) == []
    vendors = await house.compliance.evaluate(Evaluate(VENDOR_ID, WHY), CONSOLE)
    assert faults("compliance", parse_json(vendors.document)) == []
    assert set(files) == {"compliance.json", "compliance.csv", "assessment-results.json", "poam.json"}
    log = await house.access_log.page(carol, acme, PageRequest(9), AccessFilter(verb=Verb.DOWNLOADED))
    assert [each.access.subject for each in log.items] == [str(theirs.id)]
    assert theirs.count(ControlState.NOT_SATISFIED) == 2, "nobody audited either log"
    plan = parse_json(files["poam.json"])["plan-of-action-and-milestones"]
    assert len(plan["poam-items"]) == 2
