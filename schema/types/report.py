"""SLA reports. The document itself is the canonical JSON; fields here only find it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.check_state import CheckState
from schema.types.export import Export, export
from schema.types.receipt import Receipt, receipt_of
from schema.work import GATHERED
from trust_portal.reliability.findings import Finding as FindingRow
from trust_portal.reliability.findings import Severity, State
from trust_portal.reliability.reports.model import KIND
from trust_portal.reliability.reports.record import StoredReport, overtaken_since

strawberry.enum(State, name="SlaReportState", description="Only an ok report signs a figure.")
strawberry.enum(Severity, name="FindingSeverity", description="How much a finding weighs.")


@strawberry.type(description="Something the engine found in contract or measurements.")
class Finding:
    code: str
    message: str
    where: str
    severity: Severity


@strawberry.type(description="What was attained, exact, and the minutes that were down.")
class SlaFigure:
    percent: str = strawberry.field(description="Cut after six digits.")
    numerator: str
    denominator: str
    exact: bool = strawberry.field(description="False: numerator and denominator are cut to be readable.")
    down_minutes: str


@strawberry.type(
    description="One promise of a report: raw beside adjusted. A report that is not ok has no figures."
)
class SlaReportObjective:
    objective: str
    target: str = strawberry.field(description="Percent.")
    raw: SlaFigure | None = strawberry.field(description="As measured.")
    adjusted: SlaFigure | None = strawberry.field(
        description="After exclusions; what the promise is judged by."
    )
    excluded_minutes: str | None
    met: bool | None
    credit_percent: str | None = strawberry.field(description="What it earns, percent of the fee.")


@strawberry.type(description="One attempt at a period's report: signed, or refused with its reasons.")
class SlaReport(Node):
    period: str
    revision: int | None = strawberry.field(description="Counted among signed reports only.")
    state: State
    contract_version: str
    period_start: datetime
    period_end: datetime
    sha256: str = strawberry.field(description="Of the document's RFC 8785 bytes.")
    cross_check: CheckState | None = strawberry.field(
        description="What a second source said; null in reports from before there was one."
    )
    findings: list[Finding]
    why: str = strawberry.field(description="Why there is no signed figure; empty for a signed report.")
    reason: str | None = strawberry.field(description="Why it was issued again.")
    issued_at: datetime
    issued_by: str
    row: strawberry.Private[StoredReport]
    tenant_key: strawberry.Private[str]

    @strawberry.field(description="The whole report: RFC 8785 JSON, every figure a string.")
    async def document(self, info: Info) -> str:
        house, actor = info.context.house, info.context.actor
        return (await house.reports.document(actor, self.row.tenant_id, self.row.id)).decode()

    @strawberry.field(description="Its promises with their figures, as the document has them.")
    async def objectives(self, info: Info) -> list[SlaReportObjective]:
        body = json.loads(await self.document(info))
        return [_objective(each, signed=self.row.state is State.OK) for each in body["objectives"]]

    @strawberry.field(description="The receipt of its issue or refusal.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.row.tenant_id, self.row.receipt_id)

    @strawberry.field(description="Its bundle; only a signed report has one.")
    async def export(self, info: Info) -> Export | None:
        if self.row.revision is None:
            return None
        found = await info.context.house.archive.export_of(
            info.context.actor, self.row.tenant_id, KIND, self.row.id, self.row.revision
        )
        return None if found is None else export(found, self.tenant_key)

    @strawberry.field(
        description="Whether data received since disagree with the period's signed revision.",
        metadata=GATHERED,
    )
    async def contradicted(self, info: Info) -> bool:
        heads = await info.context.loaders.heads.load(self.row.tenant_id)
        return any(head.contradicted for head in heads if head.period == self.row.period)

    @strawberry.field(
        description="Since when data received later give other figures than this latest signed revision; "
        "null: they do not, as far as is known.",
        metadata=GATHERED,
    )
    async def overtaken_at(self, info: Info) -> datetime | None:
        heads = await info.context.loaders.heads.load(self.row.tenant_id)
        return overtaken_since(heads, self.row.id)

    @strawberry.field(description="The id of the report this one replaces.")
    def supersedes_id(self) -> strawberry.ID | None:
        former: UUID | None = self.row.supersedes
        return None if former is None else encode("SlaReport", self.row.tenant_id, former)


def sla_report(row: StoredReport, tenant_key: str) -> SlaReport:
    return SlaReport(
        id=encode("SlaReport", row.tenant_id, row.id),
        period=row.period,
        revision=row.revision,
        state=row.state,
        contract_version=row.contract_version,
        period_start=row.period_start,
        period_end=row.period_end,
        sha256=row.sha256,
        cross_check=row.check,
        findings=[finding(each) for each in row.findings],
        why=row.why,
        reason=row.reason,
        issued_at=row.issued_at,
        issued_by=row.issued_by,
        row=row,
        tenant_key=tenant_key,
    )


def _objective(entry: Mapping[str, Any], *, signed: bool) -> SlaReportObjective:
    return SlaReportObjective(
        objective=entry["objective"],
        target=entry["target"],
        raw=_figure(entry["raw"]) if signed else None,
        adjusted=_figure(entry["adjusted"]) if signed else None,
        excluded_minutes=entry["excluded_minutes"] if signed else None,
        met=entry["met"] if signed else None,
        credit_percent=entry["credit_percent"] if signed else None,
    )


def _figure(figure: Mapping[str, Any]) -> SlaFigure:
    return SlaFigure(
        percent=figure["percent"],
        numerator=figure["numerator"],
        denominator=figure["denominator"],
        exact=figure["exact"],
        down_minutes=figure["down_minutes"],
    )


def finding(row: FindingRow) -> Finding:
    return Finding(code=row.code, message=row.message, where=row.where, severity=row.severity)
