"""Trust Reports. The document itself is the canonical JSON; fields here find it and say how fresh it was."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.export import Export, export
from schema.types.receipt import Receipt, receipt_of
from schema.work import GATHERED
from trust_portal.trust.report.model import KIND, Acknowledged, Preview, StoredTrustReport, blocked_as
from trust_portal.trust.sections.document import section_json
from trust_portal.trust.sections.model import Section, State

strawberry.enum(State, name="SectionState", description="Stale and missing block until acknowledged.")


@strawberry.type(description="A part of a trust document that was let stand although stale or missing.")
class AcknowledgedSection:
    section: str
    title: str
    state: State
    why: str
    reason: str


@strawberry.type(description="A published Trust Report, as it stays.")
class TrustReport(Node):
    number: int = strawberry.field(description="Counted among the tenant's reports, from 1.")
    period: str
    revision: int = strawberry.field(description="Counted among the period's, from 1.")
    superseded_by_revision: int | None = strawberry.field(
        description="The revision that took its place; null while it stands."
    )
    as_of: datetime
    sha256: str = strawberry.field(description="Of the document's RFC 8785 bytes.")
    acknowledgements: list[AcknowledgedSection]
    reason: str | None = strawberry.field(description="Why there is a revision after the first.")
    published_at: datetime
    published_by: str
    row: strawberry.Private[StoredTrustReport]
    tenant_key: strawberry.Private[str]

    @strawberry.field(description="The whole report: RFC 8785 JSON, every figure a string.")
    async def document(self, info: Info) -> str:
        house, actor = info.context.house, info.context.actor
        return (await house.trust_reports.document(actor, self.row.tenant_id, self.row.id)).decode()

    @strawberry.field(description="The receipt of its publication.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, self.row.tenant_id, self.row.receipt_id)

    @strawberry.field(description="Its bundle, on the way or ready.")
    async def export(self, info: Info) -> Export | None:
        found = await info.context.house.archive.export_of(
            info.context.actor, self.row.tenant_id, KIND, self.row.id, self.row.revision
        )
        return None if found is None else export(found, self.tenant_key)


@strawberry.type(description="A part of a trust document with its source and age.")
class TrustSection:
    key: str
    title: str
    state: State
    why: str | None
    source: str
    as_of: datetime | None
    max_age_seconds: int = strawberry.field(description="How many seconds after that it is fresh.")
    seen: str | None = strawberry.field(
        description="What an acknowledgement of it says was seen; null where nothing blocks."
    )
    row: strawberry.Private[Section]

    @strawberry.field(description="The whole section as JSON, every figure a string.")
    def body(self) -> str:
        return json.dumps(section_json(self.row), ensure_ascii=False)


@strawberry.type(description="What would be published now.")
class TrustReportPreview:
    period: str
    as_of: datetime
    sections: list[TrustSection]
    blocking: list[str] = strawberry.field(description="Ids of the sections that are stale or missing.")


def acknowledged_section(row: Acknowledged) -> AcknowledgedSection:
    return AcknowledgedSection(
        section=row.section, title=row.title, state=row.state, why=row.why, reason=row.reason
    )


def trust_report(row: StoredTrustReport, tenant_key: str) -> TrustReport:
    return TrustReport(
        id=encode("TrustReport", row.tenant_id, row.id),
        number=row.number,
        period=row.period,
        revision=row.revision,
        superseded_by_revision=row.superseded_by,
        as_of=row.as_of,
        sha256=row.sha256,
        acknowledgements=[acknowledged_section(each) for each in row.acknowledged],
        reason=row.reason,
        published_at=row.published_at,
        published_by=row.published_by,
        row=row,
        tenant_key=tenant_key,
    )


def trust_report_preview(row: Preview) -> TrustReportPreview:
    return TrustReportPreview(
        period=row.period,
        as_of=row.as_of,
        sections=[
            TrustSection(
                key=each.id,
                title=each.title,
                state=each.state,
                why=each.why,
                source=each.source,
                as_of=each.as_of,
                max_age_seconds=each.max_age // timedelta(seconds=1),
                seen=blocked_as(each) if each.state.blocks else None,
                row=each,
            )
            for each in row.sections
        ],
        blocking=[each.id for each in row.blocking],
    )
