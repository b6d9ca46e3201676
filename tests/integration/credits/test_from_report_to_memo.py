"""From the signed report to the memo: two people approve what a third asked for, a fourth issues it."""

from __future__ import annotations

import json
from importlib.resources import files as resource_files
from typing import Any

from credit_desk import JUNE, Desk, memo_bundle, promise, trust_of
from jsonschema import Draft202012Validator
from support.two_stand_behind import acts_of_two

from trust_portal.evidence import bundle
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import canonical, digest, sha256_hex
from trust_portal.reliability.credits.model import CreditKind, CreditState, Origin
from trust_portal.reliability.recompute import RECOMPUTERS
from trust_portal.reliability.verification import KINDS


async def test_every_step_leaves_its_receipt_and_rests_on_the_one_before(house: House, desk: Desk):
    await promise(house)
    report = await desk.sign()
    credit = await desk.propose()
    assert (credit.state, credit.kind, credit.origin) == (
        CreditState.PROPOSED,
        CreditKind.CREDIT,
        Origin.PERSON,
    )
    assert (str(credit.amount), credit.revision, credit.attempt) == ("100.00 EUR", 1, 1)
    approval = await desk.approval(credit)
    shown = approval.request.intent
    assert shown.title == "Credit of EUR 100.00 for June 2026"
    assert {each.label: each.value for each in shown.act} == {
        "What": "Credit",
        "Customer": "Acme GmbH (acme)",
        "Period": "2026-06: 2026-06-01T00:00:00Z to 2026-07-01T00:00:00Z",
        "Amount": "100.00",
        "Currency": "EUR",
        "Of the fee": "10 % of 1000.00 EUR",
        "Promise: api": (
            "attained 99.305555 %, promised at least 99.9 %, earns 10 %. target: 99.305555 % is below the target "
            "of 99.9 %; tier: 99.305555 % lies in [99, 99.9): 10 %"
        ),
        "Caps": "none was reached",
        "Proposed by": "a person of the vendor",
    }
    assert [(each.label, each.sha256) for each in shown.evidence] == [
        ("SLA report for June 2026, revision 1", report.sha256),
        ("Contract, version 2026.1", shown.evidence[1].sha256),
        ("Calculation of the credit", credit.calculation.sha256),
    ]
    assert approval.request.requester_id == desk.people["olive"].id

    approved = await desk.approve(credit)
    assert approved.state is CreditState.APPROVED
    issued = await desk.issue(approved)
    assert issued.state is CreditState.ISSUED
    assert issued.issue is not None
    assert (issued.issue.reference, issued.issue.by) == ("CN-2026-0017", "Finn")

    assert await desk.kinds() == ["credit.calculated", "credit.proposed", "credit.approved", "credit.issued"]
    assert await acts_of_two(house.storage, desk.tenant.id) == ["credit.issued"]
    before = {
        str(report.receipt_id),
        str((await house.contracts.versions(SYSTEM, desk.tenant.id))[0].receipt_id),
    }
    calculated = await desk.statement(credit.calculation.receipt_id)
    assert before <= names(calculated)
    proposed = await desk.statement(issued.history[0].receipt_id)
    assert names(proposed) == {str(credit.calculation.receipt_id), str(approval.request.receipt_id)}
    assert proposed["rationale"] == "the report says so"
    agreed = await desk.statement(issued.history[1].receipt_id)
    assert {str(issued.history[0].receipt_id), str(approval.request.receipt_id)} < names(agreed)
    assert len(names(agreed)) == 4, "the proposal, the request, two approvals"
    said = await desk.statement(issued.last.receipt_id)
    assert {str(issued.history[1].receipt_id), str(credit.calculation.receipt_id)} < names(said)
    result = said["result"]
    assert (result["amount"], result["reference"], result["allowed_by"]) == ("100.00", "CN-2026-0017", None)
    people = [result["requester"]["person"], *(each["person"] for each in result["approvals"])]
    assert [*people, result["issuer"]["person"]] == [
        str(desk.people[name].id) for name in ("olive", "fay", "rob", "finn")
    ]


def names(predicate) -> set[str]:
    """Ids of the receipts that a receipt rests on."""
    return {
        each["name"].removeprefix("receipt/")
        for each in predicate["inputs"]
        if each["name"].startswith("receipt/")
    }


async def test_the_memo_verifies_offline_and_its_amount_is_computed_again(
    house: House, desk: Desk, sequencer: None
):
    await promise(house)
    report = await desk.sign()
    issued = await desk.issued()
    data = await memo_bundle(house, issued)
    verdict = verify(data, policy=await trust_of(house, desk), kinds=KINDS, recomputers=RECOMPUTERS)
    assert verdict.findings == ()
    assert (verdict.subject.kind, verdict.subject.tenant, verdict.subject.period) == (
        "credit-memo",
        "acme",
        JUNE,
    )
    assert "the figures follow from the bundle's own inputs, string for string" in verdict.proved

    files = bundle.read(data).files
    assert {name for name in files if "/" not in name} == {
        "VERIFY.md",
        "manifest.dsse.json",
        "manifest.tlog-proof",
        "memo.csv",
        "memo.json",
        "memo.pdf",
        "policy.txt",
        "verify.html",
    }
    assert sha256_hex(files["inputs/report.json"]) == report.sha256
    assert files["inputs/contract.yaml"].startswith(b'{"tenant": "acme"')
    memo = json.loads(files["memo.json"])
    assert canonical(memo) == files["memo.json"]
    assert memo["credit"]["amount"] == "100.00"
    assert [(each["name"], each["role"]) for each in memo["approval"]["approvals"]] == [
        ("Fay", "approver_finance"),
        ("Rob", "approver_reliability"),
    ]
    assert digest(memo["calculation"]["body"]) == issued.calculation.sha256
    assert b"credit,,amount,100.00\r\n" in files["memo.csv"]
    assert files["memo.pdf"].startswith(b"%PDF")
    receipts = [name for name in files if name.endswith(".dsse.json") and name.startswith("receipts/")]
    assert len(receipts) == 12, (
        "contract, report, calculation, proposal, request, 2 passkeys, 2 approvals, use, approved, issued"
    )


async def test_the_same_memo_gives_the_same_bundle(house: House, desk: Desk, sequencer: None):
    await promise(house)
    await desk.sign()
    issued = await desk.issued()
    made = await memo_bundle(house, issued)
    export = await house.credits.request_bundle(desk.by("cora"), desk.tenant.id, issued.id)
    assert await house.exports.reproduce(desk.tenant.id, export.id) == made


async def test_a_contract_that_says_so_has_its_credit_proposed_when_the_report_is_signed(
    house: House, desk: Desk
):
    await promise(house, policy="{auto_propose: true, approvers: [finance, reliability]}")
    report = await desk.sign()
    credit = await desk.consider(report)
    assert credit is not None
    assert (credit.origin, credit.proposer, credit.state) == (
        Origin.CONTRACT,
        "Trust Portal scheduler",
        CreditState.PROPOSED,
    )
    before = await desk.stored()
    again = await desk.consider(report)
    assert again is not None
    assert again.id == credit.id
    assert await desk.stored() == before, "a job that runs twice proposes once"
    assert (await desk.issued_by_others(credit)).state is CreditState.ISSUED


async def test_a_contract_that_does_not_say_so_has_it_calculated_and_shown_as_due(house: House, desk: Desk):
    await promise(house)
    report = await desk.sign()
    assert await desk.consider(report) is None
    assert await desk.kinds() == ["credit.calculated"]
    (due,) = await house.credits.due(desk.by("olive"), desk.tenant.id)
    assert (due.period, str(due.amount)) == (JUNE, "100.00 EUR")
    credit = await desk.propose()
    assert credit.calculation.id == due.id, "it is calculated once"
    assert await house.credits.due(desk.by("olive"), desk.tenant.id) == ()


async def test_a_month_that_was_kept_leaves_nothing_behind(house: House, desk: Desk):
    await promise(house, target="99.0", tiers=[{"to": "99.0", "credit_percent": "10"}])
    report = await desk.sign()
    assert await desk.consider(report) is None
    assert await desk.kinds() == []


async def test_signing_a_report_asks_for_the_job(house: House, desk: Desk):
    await promise(house)
    report = await desk.sign()
    assert await desk.jobs("consider_credit") == [{"tenant": str(desk.tenant.id), "report": str(report.id)}]


def test_the_memo_satisfies_its_published_schema_and_nothing_more(memo: Any):
    schema = json.loads(
        (resource_files("trust_portal.reliability") / "schemas/credit-memo.schema.json").read_text()
    )
    Draft202012Validator.check_schema(schema)
    check, body = Draft202012Validator(schema), json.loads(memo.files["memo.json"])
    assert list(check.iter_errors(body)) == []
    issue = body["issue"]
    for wrong in (
        {**body, "surprise": "1"},
        {**body, "credit": {**body["credit"], "amount": 100}},
        {**body, "approval": {**body["approval"], "approvals": []}},
        {**body, "issue": {key: value for key, value in issue.items() if key != "allowed_by"}},
    ):
        assert list(check.iter_errors(wrong))
