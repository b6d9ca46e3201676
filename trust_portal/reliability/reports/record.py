"""A report as it is stored and found again; the document itself is bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.reliability.crosscheck.comparison import CheckState
from trust_portal.reliability.findings import Finding, Severity, State


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One attempt at a period's report. Only state ``ok`` has a ``revision``, and is signed truth.

    ``delta`` (entries of field, before, after) and ``reason`` say what changed against ``supersedes``
    and why it was issued again.
    ``check`` is what the cross-check came to (``None`` before there was one), ``readings_sha256`` over what
    second sources said. ``sha256`` is over the document's RFC 8785 bytes.
    """

    id: UUID
    tenant_id: UUID
    period: str
    attempt: int
    revision: int | None
    state: State
    contract_id: UUID
    contract_version: str
    period_start: datetime
    period_end: datetime
    sha256: str
    inputs_sha256: str
    check: CheckState | None
    readings_sha256: str | None
    findings: tuple[Finding, ...]
    supersedes: UUID | None
    delta: Sequence[Mapping[str, str | None]] | None
    reason: str | None
    receipt_id: UUID
    issued_at: datetime
    issued_by: str

    @property
    def why(self) -> str:
        """Why there is no signed figure, in words; empty for a signed report."""
        if self.state is State.OK:
            return ""
        grave = [each for each in self.findings if each.severity is not Severity.NOTE]
        return "; ".join(f"{each.where}: {each.message}" for each in grave)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a report's objectives were met, and how many missed. One without a figure is in neither."""

    met: int
    missed: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a period of a tenant stands: its latest attempt and its latest signed revision.

    ``overtaken_at`` is since when data received, or exclusions decided on, after the signing are known to
    give other figures, which a person has not restated yet.
    """

    tenant_id: UUID
    period: str
    period_start: datetime
    attempts: int
    newest_id: UUID | None
    newest_state: State | None
    signed_id: UUID | None
    signed_revision: int | None
    overtaken_at: datetime | None
    changed_at: datetime

    @property
    def contradicted(self) -> bool:
        """Whether data received since disagree with what was signed: a later attempt could not be signed."""
        return self.signed_id is not None and self.newest_id != self.signed_id

    @property
    def other_figures_since(self) -> datetime | None:
        """Since when other figures than the signed ones are known, signed or not; ``None``: none are."""
        if self.overtaken_at is None and self.contradicted:
            return self.changed_at
        return self.overtaken_at


def overtaken_since(heads: Iterable[Head], report_id: UUID) -> datetime | None:
    """Since when the signed report ``report_id`` waits to be restated; ``None`` also for one that is not its period's latest."""
    return next((head.overtaken_at for head in heads if head.signed_id == report_id), None)
