"""Whoever holds the database, or the signing keys, makes no credit memo that holds: every link is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from credit_desk import JUNE, Desk, promise
from evidence_sample import policy_of
from sla_bundle import signed_again
from sqlalchemy import make_url, text

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.model import ApprovalKind, AskApproval
from trust_portal.evidence.audit import AuditCode, AuditTotals, audit
from trust_portal.evidence.bundle import build
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import new_id
from trust_portal.reliability.credits.attestation import attest
from trust_portal.reliability.credits.recompute import recompute_credit_memo
from trust_portal.reliability.verification import KINDS
from trust_portal.storage.tenancy import TenantScope

_COPIED = (
    "INSERT INTO credits SELECT tenant_id, :forged, calculation_id, period, revision, 2, id, 1, 'voided', kind, "
    "amount_minor, currency, supplements, origin, claim_id, reason, proposer_id, proposer_name, :request, "
    "proposed_at FROM credits WHERE tenant_id = :tenant AND id = :credit"
)


def receipts(files, kind: ReceiptKind) -> list[str]:
    """Files of that kind's receipts."""
    found = []
    for name in files:
        if name.startswith("receipts/") and name.endswith(".dsse.json"):
            statement = Statement.parse(Envelope.parse(files[name]).payload)
            if statement.kind is kind:
                found.append(name)
    return sorted(found)


def edited(files, change: Callable[[dict], None], name: str = "memo.json") -> dict[str, bytes]:
    body = json.loads(files[name])
    change(body)
    return {**files, name: canonical(body)}


def test_the_memo_as_it_was_issued_has_no_gap(memo):
    assert attest(memo.files).gaps == ()
    assert recompute_credit_memo(memo.files) == []
    without = {name: each for name, each in memo.files.items() if name != "memo.csv"}
    (missing,) = recompute_credit_memo(without)
    assert (missing.file, missing.reported) == ("memo.csv", "(absent)")


def set_amount(body):
    body["credit"]["amount"] = "120.00"


def test_one_digit_changed_is_no_memo_that_was_issued(memo):
    (gap,) = attest(edited(memo.files, set_amount)).gaps
    assert gap.message == "no credit.issued receipts are for it"


#: What a vendor with its own keys might change, and the field of the first gap that this leaves.
LIES = {
    "credit.amount": set_amount,
    "approval.intent": lambda body: body["approval"].update(intent="0" * 64),
    "issue.by.person": lambda body: body["issue"]["by"].update(
        person=body["approval"]["approvals"][0]["person"]
    ),
    "approval.approvals": lambda body: body["approval"]["approvals"].pop(),
    "approval.approvals[1].person": lambda body: body["approval"]["approvals"][1].update(
        person=body["approval"]["approvals"][0]["person"]
    ),
    "approval.approvals[0].reason": lambda body: body["approval"]["approvals"][0].update(reason="gladly"),
    "calculation.body": lambda body: body["calculation"]["body"].update(amount="120.00", total="120.00"),
    "proposal.reason": lambda body: body["proposal"].update(reason="because"),
}


@pytest.mark.parametrize("field", LIES)
def test_a_vendor_that_signs_a_changed_memo_again_is_found_out(memo, field: str):
    """Nothing cryptographic is wrong with it: only what the receipts behind it say."""
    files, log = signed_again(edited(memo.files, LIES[field]), memo.keyring)
    verdict = verify(build(files), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS)
    assert verdict.codes == {Code.NOT_ATTESTED}
    assert field in {each.field for each in verdict.findings}


def test_a_receipt_left_out_is_missed(memo):
    files = memo.files
    for kind in (
        ReceiptKind.APPROVAL_APPROVED,
        ReceiptKind.APPROVAL_USED,
        ReceiptKind.CREDIT_APPROVED,
        ReceiptKind.SLA_REPORT_ISSUED,
        ReceiptKind.CONTRACT_RECORDED,
    ):
        name = receipts(files, kind)[0]
        gaps = attest({each: content for each, content in files.items() if each != name}).gaps
        assert name in {gap.file for gap in gaps}


def test_another_report_or_contract_than_was_signed_is_seen(memo):
    files = memo.files
    better = edited(files, lambda body: body["credit"].update(amount="50.00"), "inputs/report.json")
    assert {gap.file for gap in attest(better).gaps} == {"inputs/report.json"}
    kinder = {**files, "inputs/contract.yaml": files["inputs/contract.yaml"].replace(b'"10"', b'"11"')}
    assert {gap.file for gap in attest(kinder).gaps} == {"inputs/contract.yaml"}
    more = {**files, "inputs/apology.txt": b"we were up"}
    assert [(gap.file, gap.message) for gap in attest(more).gaps] == [
        ("inputs/apology.txt", "not what the amount was computed from")
    ]


def test_recomputing_finds_an_amount_that_report_and_contract_do_not_lead_to(memo):
    def raise_it(body):
        body["calculation"]["body"].update(amount="120.00", total="120.00")
        body["credit"]["amount"] = "120.00"

    found = recompute_credit_memo(edited(memo.files, raise_it))
    assert ("$.calculation.body.amount", "120.00", "100.00") in [
        (each.field, each.reported, each.recomputed) for each in found
    ]


async def findings(house: House) -> list[str]:
    return [
        f"{each.where}: {each.message}"
        async for each in audit(house.storage, AuditTotals(), auditors=house.auditors)
        if each.code is AuditCode.NOT_ATTESTED
    ]


async def test_a_memo_changed_in_the_database_is_neither_signed_nor_passed_by_the_audit(
    server_thread, house: House, desk: Desk, sequencer: None
):
    await promise(house)
    await desk.sign()
    issued = await desk.issued()
    assert await findings(house) == []
    body = json.loads(await house.credits.memo(desk.by("carla"), desk.tenant.id, issued.id))
    set_amount(body)
    document = canonical(body)
    database = make_url(house.settings.database_url).database
    superuser = await server_thread.servers._postgres.connect_as_bootstrap(database)
    await superuser.execute("SET session_replication_role = replica")
    changed = "UPDATE credit_issues SET document = $1, sha256 = $2"
    await superuser.execute(changed, document, sha256_hex(document))
    await superuser.close()
    export = await house.credits.request_bundle(CONSOLE, desk.tenant.id, issued.id)
    built = await house.exports.build(desk.tenant.id, export.id)
    assert (built.state, built.failure) == (
        ExportState.FAILED,
        "the stored credit is not the one that was issued: memo.json: no credit.issued receipts are for it",
    )
    assert await desk.kinds("export.manifest") == [], "nothing was signed"
    (found,) = await findings(house)
    assert str(issued.id) in found


async def test_a_row_that_nobody_proposed_is_no_credit_and_the_audit_names_it(house: House, desk: Desk):
    await promise(house)
    await desk.sign()
    voided, forged = await desk.void(await desk.propose()), new_id()
    intent = (await desk.approval(voided)).request.intent
    async with house.storage.write(TenantScope(desk.tenant.id)) as session:
        request = await house.approvals.open(
            session,
            AskApproval(desk.tenant.id, intent, "once more", f"credit/{forged}"),
            desk.by("olive"),
            await house.approvals.who_could(ApprovalKind.CREDIT, desk.tenant.id),
        )
        values = {"forged": forged, "tenant": desk.tenant.id, "credit": voided.id, "request": request.id}
        await session.execute(text(_COPIED), values)
    (found,) = await findings(house)
    assert found == f"credit {values['forged']}: credits: nobody proposed it: it has no state"
    assert [each.id for each in await house.credits.of_period(desk.by("olive"), desk.tenant.id, JUNE)] == [
        voided.id
    ]
