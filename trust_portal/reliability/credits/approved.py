"""Whether the approvals behind a credit memo are approvals of this credit, by as many people as it took.

What the approvers were shown is made once more from the calculation, and must be what they signed for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trust_portal.evidence.links import file_of, of_kind, result_of
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import digest
from trust_portal.reliability.credits.intent import credit_intent
from trust_portal.reliability.credits.model import MEMO_FILE, Origin


def approval_gaps(memo: Mapping[str, Any], behind: Mapping[str, Statement]) -> Iterator[Gap]:
    """What is missing between the memo's approvals and their receipts."""
    stated = memo["approval"]
    name = file_of(stated["requested_receipt"])
    requested = of_kind(behind, stated["requested_receipt"], ReceiptKind.APPROVAL_REQUESTED)
    if requested is None:
        yield Gap(name, "", "no approval.requested receipt behind the memo")
        return
    asked: Any = requested.predicate["result"]
    yield from _same_intent(memo, name, asked)
    people: list[str] = []
    for number, each in enumerate(stated["approvals"]):
        yield from _approval(each, f"approval.approvals[{number}]", stated["intent"], behind)
        people.append(each["person"])
    roles = [each["role"] for each in stated["approvals"]]
    if sorted(roles) != sorted(asked["roles"]):
        yield Gap(MEMO_FILE, "approval.approvals", f"it takes {asked['roles']!r} to approve this")
    if len({*people, asked["requester"]["person"]}) != len(people) + 1:
        yield Gap(
            MEMO_FILE, "approval.approvals", "somebody fills two places, or approved what they asked for"
        )
    used = file_of(str(stated["used_receipt"]))
    spent = of_kind(behind, stated["used_receipt"], ReceiptKind.APPROVAL_USED)
    if result_of(spent).get("digest") != stated["intent"]:
        yield Gap(used, "", "no approval.used receipt behind the memo is for this intent")
    approved = file_of(str(stated["approved_receipt"]))
    reached = of_kind(behind, stated["approved_receipt"], ReceiptKind.CREDIT_APPROVED)
    if result_of(reached).get("credit") != memo["credit"]["id"]:
        yield Gap(approved, "", "no credit.approved receipt behind the memo is for this credit")


def _same_intent(memo: Mapping[str, Any], name: str, asked: Mapping[str, Any]) -> Iterator[Gap]:
    stated, calculation = memo["approval"], memo["calculation"]
    shown = credit_intent(
        calculation["body"],
        amount=memo["credit"]["amount"],
        origin=Origin(memo["credit"]["origin"]),
        calculation=calculation["id"],
        sha256=calculation["sha256"],
    )
    for field, value in (
        ("approval", stated["id"]),
        ("rule", stated["rule"]),
        ("digest", stated["intent"]),
    ):
        if asked.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the memo says {value!r}")
    if digest(asked["intent"]) != stated["intent"]:
        yield Gap(name, "predicate.result.intent", "its digest is another one")
    if shown.digest != stated["intent"]:
        yield Gap(MEMO_FILE, "approval.intent", "the approvers were shown something else than this credit")


def _approval(
    stated: Mapping[str, Any], where: str, intent: str, behind: Mapping[str, Statement]
) -> Iterator[Gap]:
    name = file_of(stated["receipt"])
    receipt = of_kind(behind, stated["receipt"], ReceiptKind.APPROVAL_APPROVED)
    if receipt is None:
        yield Gap(name, "", "no approval.approved receipt behind the memo")
        return
    actor: Any = receipt.predicate["actor"]
    result = result_of(receipt)
    signed = {
        "person": actor.get("person", actor["id"]),
        "role": result.get("role"),
        "reason": receipt.predicate.get("rationale"),
        "at": receipt.predicate["at"],
    }
    for field, value in signed.items():
        if stated[field] != value:
            yield Gap(MEMO_FILE, f"{where}.{field}", f"the receipt says {value!r}")
    if result.get("digest") != intent:
        yield Gap(name, "predicate.result.digest", "an approval of something else")
