"""For which periods a report is owed, and by which contract. Pure: whoever tells of it or judges it asks here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trust_portal.kernel.period import FIRST_ZONE, parse_period
from trust_portal.reliability.contracts.in_force import in_force, last_end, length_of
from trust_portal.reliability.contracts.model import Contract
from trust_portal.reliability.contracts.version import ContractVersion


@dataclass(frozen=True, slots=True)
class OwedPeriod:
    """``contract`` promises something by periods of this length; ``end`` is when it is over wherever it is counted."""

    label: str
    contract: Contract
    end: datetime


def owed(
    recorded: Sequence[ContractVersion],
    label: str,
    came_at: datetime,
    left_at: datetime | None,
    *,
    reported: bool,
) -> OwedPeriod | None:
    """What is owed for the period ``label`` to a customer who came at ``came_at`` and left at ``left_at``, if they
    have; None: nothing.

    What was over before they came, or had begun nowhere when they left, is nobody's to report. What was over before any contract was on record that promised
    something by it nobody owed, whatever is recorded since, unless it was ``reported`` all the same: then that report is
    held to what every other is. ``recorded`` are in the order of their recording.
    """
    contract = in_force([each.contract for each in recorded], label)
    if contract is None or not contract.promises_by(length_of(label)):
        return None
    if left_at is not None and left_at <= parse_period(label, FIRST_ZONE).start:
        return None
    end = last_end(contract, label)
    if end <= came_at or not (reported or _was_known(recorded, label, end)):
        return None
    return OwedPeriod(label, contract, end)


def _was_known(recorded: Sequence[ContractVersion], label: str, end: datetime) -> bool:
    """Whether the period was promised by what was on record at its end, as what may be signed for it is."""
    contract = in_force([each.contract for each in recorded if each.recorded_at <= end], label)
    return contract is not None and bool(contract.promises_by(length_of(label)))
