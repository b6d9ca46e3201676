"""What is due by the newest signed reports and on no way to the customer: for lists, and for trust documents.

no proposal is live ─┬─ the last one was rejected ───────────────────────────▶ settled: an approver said no
├─ it had to be claimed, and its window passed in silence ▶ settled: not claimed in time
└─ anything else ────────────────────────────────────────▶ due
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.reliability.credits.basis import Basis, read_basis
from trust_portal.reliability.credits.calculations_repository import calculations_of
from trust_portal.reliability.credits.model import CreditKind, CreditState, Outcome
from trust_portal.reliability.credits.record import StoredCalculation
from trust_portal.reliability.reports.record import Head
from trust_portal.reliability.reports.repository import heads
from trust_portal.storage.unit_of_work import ReadSession


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """What was due to whoever claimed it before ``until``, and nobody did."""

    calculation: StoredCalculation
    until: datetime


@dataclass(frozen=True, slots=True)
class Owing:
    """Newest period first. ``unclaimed`` is owed no longer."""

    due: tuple[StoredCalculation, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()


async def owing_of(session: ReadSession, tenant_id: UUID, now: datetime) -> Owing:
    """As of ``now``. One of which the credit was voided or expired is due again; one that was rejected is settled."""
    made, reported = await calculations_of(session, tenant_id), await heads(session, tenant_id)
    return await owing_among(session, tenant_id, now, made, reported)


async def owing_among(
    session: ReadSession,
    tenant_id: UUID,
    now: datetime,
    calculations: Sequence[StoredCalculation],
    reported: Sequence[Head],
) -> Owing:
    """``owing_of`` for whoever has read the tenant's ``calculations_of`` and ``heads`` in this session."""
    newest = {(each.period, each.revision): each for each in calculations}
    due: list[StoredCalculation] = []
    unclaimed: list[Unclaimed] = []
    for head in reported:
        made = newest.get((head.period, head.signed_revision or 0))
        if made is None or made.outcome is not Outcome.DUE or head.signed_id is None:
            continue
        basis = await read_basis(session, tenant_id, head.signed_id)
        if basis.live is not None or is_rejected(basis):
            continue
        # While later data contradict the report, no claim is taken: the window is not held against anybody.
        until = None if head.contradicted else unclaimed_since(made.kind, basis, now)
        if until is None:
            due.append(made)
        else:
            unclaimed.append(Unclaimed(made, until))
    return Owing(tuple(due), tuple(unclaimed))


def is_rejected(basis: Basis) -> bool:
    """Whether the last proposal of this very revision ended with an approver's no. Pure."""
    last = max(basis.attempts, key=lambda each: each.attempt, default=None)
    return last is not None and last.state is CreditState.REJECTED


def unclaimed_since(kind: CreditKind, basis: Basis, now: datetime) -> datetime | None:
    """When the window to claim it ended, where it was the customer's to claim and was not proposed before that. Pure.

    What the contract has proposed by itself needs no claim, nor does what is taken back. Whatever was proposed
    in time, by whomever, kept the customer from claiming it.
    """
    until = basis.claim_deadline
    if basis.contract.credit_policy.auto_propose or kind is CreditKind.REVERSAL:
        return None
    if until is None or now < until or any(each.proposed_at < until for each in basis.credits):
        return None
    return until
