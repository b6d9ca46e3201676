"""Others may read an assessment's file than it was imported for: with a reason and a receipt, in the portal and over GraphQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from compliance_desk import on_record
from support.foreign_assessment import foreign_assessment
from support.portal_fixtures import Portal

from schema.ids import encode
from trust_portal.access.actors import CONSOLE
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.evidence.statement import Statement
from trust_portal.house import House
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.compliance.imports.service import (
    ChangeReaders,
    ImportAssessment,
    WithdrawAssessment,
)
from trust_portal.trust.compliance.model import AssessmentReaders, Evaluate, Imported

pytestmark = pytest.mark.takes(seconds=15)

WHY = "Their assessor has agreed"
_CHANGE = """mutation ($id: ID!, $readers: AssessmentReaders!, $reason: String!) {
  changeAssessmentReaders(input: {assessmentId: $id, readers: $readers, reason: $reason}) {
    assessment { id readers readersReceiptId } userErrors { code path } } }"""
_READ = "{ assessments { id readers readersReceiptId } }"


async def imported(house: House, readers: AssessmentReaders) -> Imported:
    command = ImportAssessment(
        "Harbour Assurance", foreign_assessment(), timedelta(days=60), "each spring", readers
    )
    return await house.assessment_imports.take(command, CONSOLE)


async def due(house: House) -> set[UUID]:
    """Whom the clockwork asked to be judged by now."""
    await house.compliance.ask_for_due()
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        driver = await session.driver()
        rows = await driver.fetch("SELECT arguments FROM outbox WHERE job = 'evaluate_compliance'")
    return {UUID(dict(row["arguments"])["tenant_id"]) for row in rows}


async def signed(house: House, changed: Imported) -> Statement:
    assert changed.readers_change is not None
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        receipt = await find_receipt(session, VENDOR_ID, changed.readers_change.receipt_id)
    return Statement.parse(Envelope.parse(receipt.envelope).payload)


@pytest.mark.parametrize("before", list(AssessmentReaders))
async def test_by_its_form_it_is_opened_or_closed_for_every_next_fetch_and_the_receipt_says_from_what(
    portal: Portal, before: AssessmentReaders
) -> None:
    (after,) = set(AssessmentReaders) - {before}
    known = await imported(portal.house, before)
    async with portal.browser("approver_security") as security, portal.browser("csm") as csm:
        place, file = f"/compliance/imports/{known.id}/readers", f"/t/aurora/compliance/imports/{known.id}"
        assert place in (await security.get("/compliance")).text
        assert place not in (await csm.get("/compliance")).text
        seen = await on_record(portal.house)
        given = {"readers": after.value, "reason": WHY}
        assert (await csm.post(place, data=given)).status_code == 403
        empty = await security.post(place, data=given | {"reason": ""})
        assert empty.status_code == 422
        assert f'<a href="#reason-readers-{known.id}">the reason is missing</a>' in empty.text
        assert (await security.post(place, data=given | {"readers": ""})).status_code == 422
        assert await on_record(portal.house) == seen

        opens = {AssessmentReaders.CUSTOMERS: 200, AssessmentReaders.VENDOR: 404}
        async with portal.browser("customer_viewer") as viewer:
            assert (await viewer.get(file)).status_code == opens[before]
            done = await security.post(place, data=given)
            assert (done.status_code, done.headers["location"]) == (303, "/compliance")
            assert (await viewer.get(file)).status_code == opens[after]
        assert (await csm.get(f"/t/vendor/compliance/imports/{known.id}")).status_code == 200
        (now,) = await portal.house.assessment_imports.newest(CONSOLE)
        assert (now.readers, now.sha256) == (after, known.sha256)
        receipt = await signed(portal.house, now)
        assert [(each.name, each.sha256) for each in receipt.subjects] == [
            (f"assessment/{known.id}", known.sha256)
        ]
        assert receipt.predicate["result"] == {
            "source": known.source, "title": known.title, "readers": after.value, "before": before.value,
            "imported_by": str(known.receipt_id),
        }  # fmt: skip
        assert receipt.predicate["rationale"] == WHY
        page = (await csm.get("/compliance")).text
        assert f"read by: {after.words}" in page
        assert now.readers_change is not None
        assert f'href="/t/vendor/receipts/{now.readers_change.receipt_id}"' in page
        again = await security.post(place, data=given)
        assert again.status_code == 409
        assert f"it is read by these already: {after.words}" in again.text


async def test_over_graphql_it_is_changed_by_the_same_rule(portal: Portal) -> None:
    known = await imported(portal.house, AssessmentReaders.VENDOR)
    given = {"id": encode("Assessment", VENDOR_ID, known.id), "readers": "CUSTOMERS", "reason": WHY}

    async def ask(client: httpx.AsyncClient, query: str, **variables: str) -> dict[str, Any]:
        said: dict[str, Any] = (
            await client.post("/graphql", json={"query": query, "variables": variables})
        ).json()
        return said

    async with portal.browser("approver_security") as security, portal.browser("csm") as csm:
        seen = await on_record(portal.house)
        refused = await ask(csm, _CHANGE, **given)
        assert [each["extensions"]["code"] for each in refused["errors"]] == ["DENIED"]
        wrong = (await ask(security, _CHANGE, **given | {"reason": " "}))["data"]["changeAssessmentReaders"]
        assert wrong == {"assessment": None, "userErrors": [{"code": "INVALID", "path": ["input", "reason"]}]}
        assert await on_record(portal.house) == seen
        done = (await ask(security, _CHANGE, **given))["data"]["changeAssessmentReaders"]
        again = (await ask(security, _CHANGE, **given))["data"]["changeAssessmentReaders"]
        assert [each["code"] for each in again["userErrors"]] == ["READERS_UNCHANGED"]
        (now,) = await portal.house.assessment_imports.newest(CONSOLE)
        assert now.readers_change is not None
        told = {
            "id": given["id"],
            "readers": "CUSTOMERS",
            "readersReceiptId": encode("Receipt", VENDOR_ID, now.readers_change.receipt_id),
        }
        assert done == {"assessment": told, "userErrors": []}
        assert (await ask(csm, _READ))["data"]["assessments"] == [told]


async def test_the_next_evaluation_of_everybody_is_due_and_says_who_may_read_it_by_then(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    known = await imported(house, AssessmentReaders.VENDOR)
    await house.compliance.evaluate(Evaluate(VENDOR_ID, "first"), CONSOLE)
    before = await house.compliance.evaluate(Evaluate(aurora.id, "first"), CONSOLE)
    portal.clock.advance(timedelta(hours=1))
    await house.assessment_imports.change_readers(
        ChangeReaders(known.id, AssessmentReaders.CUSTOMERS, WHY), CONSOLE
    )
    assert await due(house) == {VENDOR_ID}, "customers rest on it"
    await house.compliance.evaluate(Evaluate(VENDOR_ID, "second"), CONSOLE)
    assert aurora.id in await due(house)
    after = await house.compliance.evaluate(Evaluate(aurora.id, "second"), CONSOLE)
    assert b'"readers"' not in before.document
    assert b'"readers":"customers"' in after.document


async def test_what_was_withdrawn_or_superseded_is_closed_too_and_what_may_not_be_changed_stays(
    portal: Portal,
) -> None:
    house, service = portal.house, portal.house.assessment_imports
    first = await imported(house, AssessmentReaders.CUSTOMERS)
    await service.withdraw(WithdrawAssessment(first.id, "it has ended"), CONSOLE)
    later = ImportAssessment("Harbour Assurance", foreign_assessment() + b"\n", timedelta(days=60), "anew")
    second = await service.take(later, CONSOLE)
    close = ChangeReaders(first.id, AssessmentReaders.VENDOR, "it names a customer")
    seen = await on_record(house)
    for command, refusal in (
        (ChangeReaders(new_id(), AssessmentReaders.VENDOR, "why"), NotFound),
        (ChangeReaders(second.id, AssessmentReaders.VENDOR, "why"), Conflict),
    ):
        with pytest.raises(refusal):
            await service.change_readers(command, CONSOLE)
    with pytest.raises(InvalidInput):
        ChangeReaders(first.id, AssessmentReaders.VENDOR, " ")
    assert await on_record(house) == seen
    closed = await service.change_readers(close, CONSOLE)
    assert closed.withdrawn is not None
    async with portal.browser("customer_viewer") as viewer:
        assert (await viewer.get(f"/t/aurora/compliance/imports/{first.id}")).status_code == 404
    opened = await service.change_readers(
        ChangeReaders(first.id, AssessmentReaders.CUSTOMERS, "no, it does not"), CONSOLE
    )
    assert opened.readers_change is not None
    assert opened.readers_change.number == 2
    async with portal.browser("customer_viewer") as viewer:
        assert (await viewer.get(f"/t/aurora/compliance/imports/{first.id}")).status_code == 200


async def test_of_two_at_once_one_is_told_to_look_again(portal: Portal) -> None:
    known = await imported(portal.house, AssessmentReaders.VENDOR)
    command = ChangeReaders(known.id, AssessmentReaders.CUSTOMERS, WHY)
    change = portal.house.assessment_imports.change_readers
    answers = await asyncio.gather(*(change(command, CONSOLE) for _ in range(2)), return_exceptions=True)
    (refused,) = (each for each in answers if isinstance(each, BaseException))
    assert isinstance(refused, Conflict)
    assert refused.code in {"READERS_CHANGED", "READERS_UNCHANGED"}
    (now,) = await portal.house.assessment_imports.newest(CONSOLE)
    assert now.readers_change is not None
    assert now.readers_change.number == 1
