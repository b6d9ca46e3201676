"""Whether a credit memo is the one that was issued: every link from its bytes to signed receipts.

    memo.json ──▶ credit.issued ──▶ credit.approved ──▶ credit.proposed ──▶ credit.calculated
                       │                                                       │
                       └──▶ approval.used ──▶ approval.approved … ──▶ .requested
    inputs/report.json ◀── sla_report.issued ◀─────────────────────────────────┤
    inputs/contract.yaml ◀── contract.recorded ◀───────────────────────────────┘

What is asked of every document stands in ``evidence.attestation``; here, what is asked of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trust_portal.evidence.attestation import Attestation, Issued, attest_document, other_than_stated
from trust_portal.evidence.links import file_of, of_kind, rests_on, result_of
from trust_portal.evidence.manifest import INPUTS
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.reliability.credits.approved import approval_gaps
from trust_portal.reliability.credits.model import CONTRACT_INPUT, MEMO_FILE, REPORT_INPUT

#: The subject of a report's receipt, which the memo carries among its inputs.
_REPORT = "report.json"
_FIGURES = ("outcome", "kind", "amount", "total", "issued_before", "currency", "fee", "percent", "rules")


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: memo, inputs, and envelopes of receipts."""
    return attest_document(
        files, MEMO_FILE, ReceiptKind.CREDIT_ISSUED, id_field="credit", links=partial(_links, files)
    )


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest speaks of the same tenant and period."""
    found = attest(files)
    return found.gaps or other_than_stated(files, MEMO_FILE, manifest, found.tenant, "memo")


def _links(files: Mapping[str, bytes], issued: Issued) -> Iterator[Gap]:
    memo, behind = issued.body, issued.behind
    yield from issued.missing(files)
    yield from _inputs(files, memo)
    yield from _issue(memo, issued.name, issued.receipt)
    yield from _calculation(files, memo, behind)
    yield from _earlier(memo, behind)
    yield from _proposal(memo, behind)
    yield from approval_gaps(memo, behind)


def _inputs(files: Mapping[str, bytes], memo: Mapping[str, Any]) -> Iterator[Gap]:
    stated = {each["name"]: each["sha256"] for each in memo["inputs"]}
    for each in sorted({file for file in files if file.startswith(INPUTS)} | {REPORT_INPUT, CONTRACT_INPUT}):
        if each not in files:
            yield Gap(each, "", "the amount was computed from it, and it is not there")
        elif sha256_hex(files[each]) != stated.get(each):
            yield Gap(each, "", "not what the amount was computed from")


def _issue(memo: Mapping[str, Any], name: str, receipt: Statement) -> Iterator[Gap]:
    """What was issued, under which reference, and by somebody who had no part in deciding it."""
    result = result_of(receipt)
    credit, issue = memo["credit"], memo["issue"]
    said = {
        "credit": credit["id"],
        "kind": credit["kind"],
        "amount": credit["amount"],
        "currency": credit["currency"],
        "revision": credit["revision"],
        "period": memo["period"]["label"],
        "reference": issue["reference"],
        "issuer": {"person": issue["by"]["person"]},
        "allowed_by": issue["allowed_by"],
    }
    for field, value in said.items():
        if result.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the memo says {value!r}")
    had_a_part = {
        memo["proposal"]["by"]["person"],
        *(each["person"] for each in memo["approval"]["approvals"]),
    }
    if issue["by"]["person"] in had_a_part and not issue["allowed_by"]:
        yield Gap(MEMO_FILE, "issue.by.person", "issued by somebody who proposed or approved it")


def _calculation(
    files: Mapping[str, bytes], memo: Mapping[str, Any], behind: Mapping[str, Statement]
) -> Iterator[Gap]:
    """The calculation that was signed, from the report that was signed and the contract that was recorded."""
    stated = memo["calculation"]
    name = file_of(stated["receipt"])
    receipt = of_kind(behind, stated["receipt"], ReceiptKind.CREDIT_CALCULATED)
    if receipt is None:
        yield Gap(name, "", "no credit.calculated receipt behind the memo")
        return
    subject = receipt.subjects[0]
    body: Any = stated["body"]
    if (subject.name, subject.sha256) != (f"credit-calculation/{stated['id']}", digest(body)):
        yield Gap(MEMO_FILE, "calculation.body", f"not what was signed as {subject.name}")
    if stated["sha256"] != subject.sha256:
        yield Gap(MEMO_FILE, "calculation.sha256", f"the receipt says {subject.sha256}")
    result = result_of(receipt)
    for field in _FIGURES:
        if result.get(field) != body[field]:
            yield Gap(name, f"predicate.result.{field}", f"the memo says {body[field]!r}")
    for field in ("amount", "currency", "kind"):
        if memo["credit"][field] != body[field]:
            yield Gap(MEMO_FILE, f"credit.{field}", f"calculated was {body[field]!r}")
    wanted = (
        (REPORT_INPUT, body["report"], ReceiptKind.SLA_REPORT_ISSUED, _REPORT),
        (
            CONTRACT_INPUT,
            body["contract"],
            ReceiptKind.CONTRACT_RECORDED,
            f"contract/{body['contract']['version']}",
        ),
    )
    rests = set(rests_on(receipt))
    for file, source, kind, subject_name in wanted:
        sha256 = sha256_hex(files.get(file, b""))
        signed = of_kind(behind, source["receipt"], kind) if source["receipt"] in rests else None
        if sha256 != source["sha256"]:
            yield Gap(file, "", "not what the calculation names")
        if signed is None or not any((s.name, s.sha256) == (subject_name, sha256) for s in signed.subjects):
            yield Gap(file, "", f"no {kind.value} receipt behind the calculation was issued for it")


def _earlier(memo: Mapping[str, Any], behind: Mapping[str, Statement]) -> Iterator[Gap]:
    """What the calculation says was issued before was issued before."""
    for number, entry in enumerate(memo["calculation"]["body"]["earlier"]):
        result = result_of(of_kind(behind, entry["receipt"], ReceiptKind.CREDIT_ISSUED))
        for field in ("credit", "amount", "reference", "revision"):
            if result.get(field) != entry[field]:
                where = f"calculation.body.earlier[{number}].{field}"
                yield Gap(MEMO_FILE, where, f"no credit.issued receipt behind it says {entry[field]!r}")


def _proposal(memo: Mapping[str, Any], behind: Mapping[str, Statement]) -> Iterator[Gap]:
    proposal, credit = memo["proposal"], memo["credit"]
    name = file_of(str(proposal["receipt"]))
    receipt = of_kind(behind, proposal["receipt"], ReceiptKind.CREDIT_PROPOSED)
    if receipt is None:
        yield Gap(name, "", "no credit.proposed receipt behind the memo")
        return
    result = result_of(receipt)
    said = {
        "credit": credit["id"],
        "calculation": memo["calculation"]["id"],
        "amount": credit["amount"],
        "currency": credit["currency"],
        "origin": credit["origin"],
        "intent": memo["approval"]["intent"],
        "approval": memo["approval"]["id"],
    }
    for field, value in said.items():
        if result.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the memo says {value!r}")
    if receipt.predicate.get("rationale") != proposal["reason"]:
        yield Gap(MEMO_FILE, "proposal.reason", "not the reason that was signed")
