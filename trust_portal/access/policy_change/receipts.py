"""The receipts of sets of policies: one came into force, a superseded one decides again, one is retired."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from trust_portal.access.approvals.model import UsedApproval
from trust_portal.evidence.act import Act
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID


def install_act(
    version: str,
    contents: Mapping[str, str],
    at: datetime,
    used: UsedApproval | None = None,
    replaces: str | None = None,
) -> Act:
    """That a set came into force, with the digest of every file; ``used``: by which approval."""
    result: dict[str, Json] = {"version": version}
    if used is not None:
        result |= {"replaces": replaces, **used.result}
    return Act(
        kind=ReceiptKind.POLICY_INSTALLED,
        tenant_id=VENDOR_ID,
        actor=SYSTEM,
        at=at,
        subjects=_subjects(contents),
        predicate=result,
        inputs=() if used is None else used.inputs,
        policies=() if used is None else (used.approval.request.rule_id,),
        policy_version=version if used is None else used.approval.request.policy_version,
        rationale=None if used is None else used.approval.request.reason,
    )


def return_act(version: str, contents: Mapping[str, str], in_force: str, at: datetime) -> Act:
    """That a program which brings ``version`` started and decides by it, though ``in_force`` superseded it."""
    return Act(
        kind=ReceiptKind.POLICY_RETURNED,
        tenant_id=VENDOR_ID,
        actor=SYSTEM,
        at=at,
        subjects=_subjects(contents),
        predicate={"version": version, "superseded_by": in_force},
        policy_version=version,
    )


def retire_act(version: str, contents: Mapping[str, str], used: UsedApproval) -> Act:
    """That ``version`` decides no more; ``used``: by which approval."""
    request = used.approval.request
    return Act(
        kind=ReceiptKind.POLICY_RETIRED,
        tenant_id=VENDOR_ID,
        actor=SYSTEM,
        at=used.approval.steps[-1].at,
        subjects=_subjects(contents),
        predicate={"version": version, **used.result},
        inputs=used.inputs,
        policies=(request.rule_id,),
        policy_version=request.policy_version,
        rationale=request.reason,
    )


def _subjects(contents: Mapping[str, str]) -> tuple[Subject, ...]:
    return tuple(
        Subject(f"policies/{name}", sha256_hex(text.encode())) for name, text in sorted(contents.items())
    )
