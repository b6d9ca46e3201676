"""Whether an exclusion after the fact was approved: every link from its receipt to those of two approvers.

    exclusion.approved ──▶ exclusion.proposed
            └──▶ approval.used ──▶ approval.approved ×2 ──▶ approval.requested
                                           └──▶ passkey.introduced

Asked of bytes alone, like all of a report. That the envelopes' signatures hold is asked before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from trust_portal.evidence.links import file_of, missing, of_kind, rests_on, result_of
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import digest
from trust_portal.reliability.exclusions.intent import shown_of_window

_FEWEST: Final = 2


def approval_gaps(
    files: Mapping[str, bytes], found: Mapping[str, Statement], name: str, approved: Statement
) -> Iterator[Gap]:
    """What is missing behind ``approved``, the exclusion.approved receipt of the file ``name``."""
    yield from missing(files, name, approved)
    result: Any = result_of(approved)
    behind = {file_of(each): found[file_of(each)] for each in rests_on(approved) if file_of(each) in found}
    kinds = {each.kind: each for each in behind.values()}
    asked: Any = result_of(kinds.get(ReceiptKind.APPROVAL_REQUESTED))
    if not asked or asked.get("subject") != result["window"] or digest(asked["intent"]) != asked["digest"]:
        yield Gap(name, "predicate.inputs", "no approval.requested receipt behind it is for this window")
        return
    shown = {each["label"]: each["value"] for each in asked["intent"]["act"]}
    for field, line in shown_of_window(result).items():
        if shown.get(line.label) != line.value:
            yield Gap(
                name, f"predicate.result.{field}", f"the approvers were shown {shown.get(line.label)!r}"
            )
    if result_of(kinds.get(ReceiptKind.APPROVAL_USED)).get("digest") != asked["digest"]:
        yield Gap(name, "predicate.inputs", "no approval.used receipt behind it is for this intent")
    people = [each["person"] for each in result["approvals"]]
    if len(people) < _FEWEST or len({*people, asked["requester"]["person"]}) != len(people) + 1:
        yield Gap(name, "predicate.result.approvals", "it takes two persons, neither the one who asked")
    if sorted(each["role"] for each in result["approvals"]) != sorted(asked["roles"]):
        yield Gap(name, "predicate.result.approvals", f"it takes {asked['roles']!r} to approve this")
    for number, each in enumerate(result["approvals"]):
        receipt = of_kind(behind, each["receipt"], ReceiptKind.APPROVAL_APPROVED)
        actor: Any = None if receipt is None else receipt.predicate["actor"]
        same = receipt is not None and actor.get("person", actor["id"]) == each["person"]
        said: Any = result_of(receipt)
        if not same or (said.get("digest"), said.get("role")) != (asked["digest"], each["role"]):
            where = f"predicate.result.approvals[{number}]"
            why = "no approval.approved receipt behind it is this person's, in this role, for this intent"
            yield Gap(name, where, why)
        if receipt is not None:
            yield from missing(files, file_of(each["receipt"]), receipt)
