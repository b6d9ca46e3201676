"""A run over all tenants of one period, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.reliability.reports.record import Tally


class RunState(StrEnum):
    """planning → running → complete; a new attempt begins at planning again."""

    PLANNING = "planning"
    RUNNING = "running"
    COMPLETE = "complete"


class Outcome(StrEnum):
    """What a run came to for one tenant. The next attempt looks at all of them again.

    ``restatement_needed``: a report was signed before, and its inputs have changed since. A run signs
    no revision over a signed one; a person does, with a reason.
    """

    PENDING = "pending"
    ISSUED = "issued"
    RESTATEMENT_NEEDED = "restatement_needed"
    INCOMPLETE = "incomplete"
    DISPUTED = "disputed"
    NO_CONTRACT = "no_contract"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StartRun:
    """Command: every tenant's report of ``period`` (``2026-06`` or ``2026-Q2``)."""

    period: str


@dataclass(frozen=True, slots=True)
class Run:
    """``total`` tenants are covered once planned; ``counts`` (by outcome) is set at completion."""

    id: UUID
    period: str
    state: RunState
    attempt: int
    total: int | None
    requested_at: datetime
    requested_by_id: UUID
    requested_by: str
    completed_at: datetime | None
    receipt_id: UUID | None
    counts: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class RunTenant:
    """``reason`` says in words why there is no report, or what to know about the one there is.

    ``due_at`` is when the period is over in every time zone of the tenant's contract, with the
    grace of a scheduled run.
    """

    run_id: UUID
    tenant_id: UUID
    tenant_key: str
    tenant_name: str
    attempt: int
    outcome: Outcome
    reason: str | None
    report_id: UUID | None
    revision: int | None
    due_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """A run and its tenants, in the order of their keys.

    ``tallies``: what became of the objectives of each report, once the run is complete.
    """

    run: Run
    tenants: tuple[RunTenant, ...]
    tallies: Mapping[UUID, Tally] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Tenants by outcome, every outcome named."""
        counted = Counter(each.outcome for each in self.tenants)
        return {outcome.value: counted[outcome] for outcome in Outcome}

    @property
    def done(self) -> int:
        return sum(each.outcome is not Outcome.PENDING for each in self.tenants)

    @property
    def total(self) -> int:
        """Tenants to cover; while a run is being planned, those known so far."""
        return len(self.tenants) if self.run.total is None else self.run.total

    def only_waits(self, now: datetime) -> bool:
        """Whether all that is pending waits for its period to be over."""
        return all(each.due_at > now for each in self.tenants if each.outcome is Outcome.PENDING)

    @property
    def not_issued(self) -> tuple[RunTenant, ...]:
        """The tenants without a signed report that holds, pending ones too."""
        return tuple(each for each in self.tenants if each.outcome is not Outcome.ISSUED)
