"""One more kind of approval touches the places that docs/architecture.md names; where one is forgotten, this says so."""

from __future__ import annotations

import pytest

from jobs.approvals import SETTLED
from trust_portal.access.approvals.acts import ALWAYS_CARRIED, CARRIED, CARRIED_RECEIPTS, CarriedAct
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.policy import shipped_policies
from trust_portal.evidence.statement import ReceiptKind

RULES = shipped_policies().approval_rules


@pytest.mark.parametrize("kind", ApprovalKind)
def test_every_kind_says_what_receipt_its_act_leaves_who_must_agree_and_what_follows(
    kind: ApprovalKind,
) -> None:
    assert CARRIED[kind].receipts
    assert len(RULES[kind].approvers) >= 2
    assert kind in SETTLED


def test_the_receipts_of_acts_that_take_two_are_these() -> None:
    acts = {
        ReceiptKind.BREAK_GLASS_REVIEWED,
        ReceiptKind.CREDIT_ISSUED,
        ReceiptKind.EXCLUSION_APPROVED,
        ReceiptKind.INCIDENT_AFFECTED_SET,
        ReceiptKind.INCIDENT_DOWNGRADED,
        ReceiptKind.INCIDENT_UNMERGED,
        ReceiptKind.KEY_ROTATED,
        ReceiptKind.PLAYBOOK_APPROVED,
        ReceiptKind.POLICY_INSTALLED,
        ReceiptKind.POLICY_RETIRED,
        ReceiptKind.THRESHOLD_CHANGED,
    }
    assert acts == CARRIED_RECEIPTS
    sometimes = {
        ReceiptKind.INCIDENT_AFFECTED_SET,
        ReceiptKind.INCIDENT_UNMERGED,
        ReceiptKind.PLAYBOOK_APPROVED,
        ReceiptKind.THRESHOLD_CHANGED,
    }
    assert acts - sometimes == ALWAYS_CARRIED
    assert CARRIED[ApprovalKind.RETENTION_CHANGE] == CarriedAct(
        (ReceiptKind.PLAYBOOK_APPROVED,), always=False
    )
