"""Everything a credit rests on, read while the period is held: nobody restates it meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from trust_portal.errors import Conflict, Refused
from trust_portal.reliability.contracts.model import Contract
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.credits.claims import claim_deadline
from trust_portal.reliability.credits.entitlement import (
    Earlier,
    Entitlement,
    Source,
    contributors,
    entitlement,
)
from trust_portal.reliability.credits.model import OPEN, CreditState
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.credits.repository import credits_of_period, live_one
from trust_portal.reliability.reports.record import Head, StoredReport
from trust_portal.reliability.reports.repository import find_document, find_report, hold_head
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Code of the refusal while data received since disagree with what was signed.
CONTRADICTED: Final = "CONTRADICTED"


@dataclass(frozen=True, slots=True)
class Basis:
    """A period's latest signed report with its contract, and the period's credits so far, oldest first."""

    report: StoredReport
    body: Mapping[str, Any]
    version: ContractVersion
    credits: tuple[StoredCredit, ...]

    @property
    def contract(self) -> Contract:
        return self.version.contract

    @property
    def revision(self) -> int:
        return int(self.body["revision"])

    @property
    def issued(self) -> tuple[StoredCredit, ...]:
        return tuple(each for each in self.credits if each.state is CreditState.ISSUED)

    @property
    def overtaken(self) -> tuple[StoredCredit, ...]:
        """Open credits for an earlier revision than the one that counts."""
        return tuple(each for each in self.credits if each.state in OPEN and each.revision < self.revision)

    @property
    def live(self) -> StoredCredit | None:
        """The live credit of this very revision."""
        return live_one(self.credits, self.revision)

    @property
    def attempts(self) -> tuple[StoredCredit, ...]:
        """Of this revision, in their order."""
        return tuple(each for each in self.credits if each.revision == self.revision)

    @property
    def claim_deadline(self) -> datetime | None:
        slas = contributors(self.body, self.contract)
        return claim_deadline(slas, self.report.period, self.report.issued_at)

    def entitlement(self) -> Entitlement:
        """What is due by it. Raises what ``entitlement`` raises."""
        return entitlement(self.body, self.contract, _earlier(self.issued), self.source)

    @property
    def source(self) -> Source:
        return Source(
            report=str(self.report.id),
            report_sha256=self.report.sha256,
            report_receipt=str(self.report.receipt_id),
            contract_receipt=str(self.version.receipt_id),
        )


async def hold_basis(session: WriteSession, tenant_id: UUID, period: str) -> Basis:
    """The basis, with the period's head locked until the commit.

    Raises ``Refused`` (NO_SIGNED_REPORT) where no figure of the period is signed, and ``Conflict``
    (CONTRADICTED) where data received since disagree with what was signed.
    """
    head = await hold_head(session, tenant_id, period)
    if head is None or head.signed_id is None:
        raise Refused(
            f"no report of {period} is signed, so nothing is due by it yet",
            code="NO_SIGNED_REPORT",
            field="period",
        )
    refuse_contradicted(head)
    return await read_basis(session, tenant_id, head.signed_id)


async def read_basis(session: ReadSession, tenant_id: UUID, report_id: UUID) -> Basis:
    """What the signed report ``report_id`` comes to rests on; nobody is kept from restating it."""
    report = await find_report(session, tenant_id, report_id)
    body = json.loads(await find_document(session, tenant_id, report.id))
    versions = await contract_versions(session, tenant_id)
    (version,) = [each for each in versions if each.id == report.contract_id]
    return Basis(report, body, version, await credits_of_period(session, tenant_id, report.period))


def refuse_contradicted(head: Head) -> None:
    """A period whose newest attempt could not be signed is not settled, and no money moves for it."""
    if head.contradicted:
        raise Conflict(
            f"data received since disagree with the signed report of {head.period}: its newest attempt is "
            f"{'not signed' if head.newest_state is None else head.newest_state.value}; settle that first",
            code=CONTRADICTED,
            field="period",
        )


def _earlier(issued: Sequence[StoredCredit]) -> list[Earlier]:
    return [
        Earlier(
            credit=str(each.id),
            revision=each.revision,
            amount=each.amount,
            reference=each.issue.reference,
            receipt=str(each.last.receipt_id),
        )
        for each in issued
        if each.issue is not None
    ]
