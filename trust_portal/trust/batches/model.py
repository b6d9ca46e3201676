"""A batch over all tenants of one period, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from trust_portal.trust.report.model import Acknowledgement

NOUN: Final = "Trust Report batch"


class BatchState(StrEnum):
    """planning → running → complete; a new attempt begins at planning again."""

    PLANNING = "planning"
    RUNNING = "running"
    COMPLETE = "complete"


class BatchOutcome(StrEnum):
    """What a batch came to for one tenant. The next attempt tries those that are blocked or failed.

    ``standing``: one was published before, and a batch publishes none over it. ``blocked``: a part is stale or
    missing, and no person acknowledged it.
    """

    PENDING = "pending"
    PUBLISHED = "published"
    STANDING = "standing"
    BLOCKED = "blocked"
    FAILED = "failed"


#: In which order a person looks: what somebody has to do something about, what waits, what is done.
LOOKED_AT: Final = (
    BatchOutcome.FAILED,
    BatchOutcome.BLOCKED,
    BatchOutcome.PENDING,
    BatchOutcome.PUBLISHED,
    BatchOutcome.STANDING,
)
#: The tenant has its report.
DONE: Final = frozenset({BatchOutcome.PUBLISHED, BatchOutcome.STANDING})


@dataclass(frozen=True, slots=True)
class StartTrustBatch:
    """Command: every tenant's Trust Report of ``period`` (``2026-06`` or ``2026-Q2``).

    ``acknowledgements`` hold for every tenant of which a section says just what was seen; a batch that nobody
    gave any acknowledges nothing.
    """

    period: str
    acknowledgements: tuple[Acknowledgement, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """``total`` tenants are covered once planned; ``counts`` (by outcome) is set at completion."""

    id: UUID
    period: str
    state: BatchState
    attempt: int
    total: int | None
    requested_at: datetime
    requested_by_id: UUID
    requested_by: str
    completed_at: datetime | None
    receipt_id: UUID | None
    counts: Mapping[str, int] | None
    acknowledgements: tuple[Acknowledgement, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchTenant:
    """``reason`` says in words why there is no report: the parts that are stale or missing, by name."""

    batch_id: UUID
    tenant_id: UUID
    tenant_key: str
    tenant_name: str
    attempt: int
    outcome: BatchOutcome
    reason: str | None
    report_id: UUID | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Bundles:
    """How many bundles of a batch's reports there are: made, still to be made, and broken off for good."""

    made: int
    under_way: int
    failed: int

    @property
    def asked(self) -> int:
        return self.made + self.under_way + self.failed


@dataclass(frozen=True, slots=True)
class BatchTally:
    """How far a batch is: tenants by outcome, every outcome named, and bundles; it names no tenant."""

    batch: Batch
    counts: Mapping[str, int]
    bundles: Bundles

    @property
    def done(self) -> int:
        return sum(self.counts.values()) - self.counts[BatchOutcome.PENDING.value]

    @property
    def total(self) -> int:
        """Tenants to cover; while a batch is being planned, those known so far."""
        return sum(self.counts.values()) if self.batch.total is None else self.batch.total

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself: every report is published, or named, and its bundle is made."""
        return self.batch.state is BatchState.COMPLETE and not self.bundles.under_way


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """A batch and its tenants, in the order of their keys."""

    batch: Batch
    tenants: tuple[BatchTenant, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Tenants by outcome, every outcome named."""
        counted = Counter(each.outcome for each in self.tenants)
        return {outcome.value: counted[outcome] for outcome in BatchOutcome}

    @property
    def without(self) -> tuple[BatchTenant, ...]:
        """The tenants without a report, pending ones too."""
        return tuple(each for each in self.tenants if each.outcome not in DONE)
