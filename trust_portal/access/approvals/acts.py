"""What each kind of approval carries: the receipts of acts that are done with it.

The control ``dual-control`` reads every receipt that stands here (docs/compliance.md), so that an act of a new kind
is judged from its first day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.evidence.statement import ReceiptKind


@dataclass(frozen=True, slots=True)
class CarriedAct:
    """``always``: it takes an approval whatever it does; else policy lets some of its kind do without.

    ``sometimes`` are receipts of acts that take one only where they do what ``receipts`` do.
    """

    receipts: tuple[ReceiptKind, ...]
    always: bool
    sometimes: tuple[ReceiptKind, ...] = ()


CARRIED: Final[Mapping[ApprovalKind, CarriedAct]] = {
    # That is accepted: where somebody objects, their denial is the review.
    ApprovalKind.BREAK_GLASS_REVIEW: CarriedAct((ReceiptKind.BREAK_GLASS_REVIEWED,), always=True),
    ApprovalKind.CREDIT: CarriedAct((ReceiptKind.CREDIT_ISSUED,), always=True),
    ApprovalKind.EXCLUSION: CarriedAct((ReceiptKind.EXCLUSION_APPROVED,), always=True),
    ApprovalKind.KEY_ROTATION: CarriedAct((ReceiptKind.KEY_ROTATED,), always=True),
    ApprovalKind.PLAYBOOK_RUN: CarriedAct((ReceiptKind.PLAYBOOK_APPROVED,), always=False),
    ApprovalKind.POLICY_CHANGE: CarriedAct(
        (ReceiptKind.POLICY_INSTALLED, ReceiptKind.POLICY_RETIRED), always=True
    ),
    ApprovalKind.RETENTION_CHANGE: CarriedAct((ReceiptKind.PLAYBOOK_APPROVED,), always=False),
    ApprovalKind.SEVERITY_DOWNGRADE: CarriedAct(
        (ReceiptKind.INCIDENT_DOWNGRADED,),
        always=True,
        sometimes=(ReceiptKind.INCIDENT_UNMERGED, ReceiptKind.INCIDENT_AFFECTED_SET),
    ),
    ApprovalKind.THRESHOLD_CHANGE: CarriedAct((ReceiptKind.THRESHOLD_CHANGED,), always=False),
}
#: Of which kinds the receipts are, and those that are never without an approval.
CARRIED_RECEIPTS: Final = frozenset(
    receipt for each in CARRIED.values() for receipt in (*each.receipts, *each.sometimes)
)
ALWAYS_CARRIED: Final = frozenset(
    receipt for each in CARRIED.values() if each.always for receipt in each.receipts
)
