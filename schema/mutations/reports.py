"""Issuing SLA reports and starting runs. Both are idempotent by what they are about."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.report import SlaReport, sla_report
from schema.types.run import SlaRun, sla_run
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.runs.model import StartRun


@strawberry.input(description="Which report to compute and issue.")
class IssueSlaReportInput:
    tenant_id: strawberry.ID
    period: str = strawberry.field(description="2026-06 or 2026-Q2; it must be over.")
    reason: str | None = strawberry.field(default=None, description="Needed for a restatement.")


@strawberry.type(description="The report issued, refused or already there.")
class IssueSlaReportPayload(Payload):
    report: SlaReport | None = None


@strawberry.input(description="Which period to run for every tenant.")
class StartSlaRunInput:
    period: str


@strawberry.type(description="The run, new or under way.")
class StartSlaRunPayload(Payload):
    run: SlaRun | None = None


@strawberry.type
class ReportMutations:
    @mutation(
        description="Compute a period's report and sign it, or refuse to. Unchanged inputs make nothing new."
    )
    async def issue_sla_report(self, info: Info, input: IssueSlaReportInput) -> IssueSlaReportPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        tenant = await house.tenants.get(actor, tenant_id, purpose="GraphQL")
        report = await house.reports.issue(IssueReport(tenant_id, input.period, input.reason), actor)
        return IssueSlaReportPayload(report=sla_report(report, tenant.key))

    @mutation(description="Start the period's run over every tenant, or its next attempt.")
    async def start_sla_run(self, info: Info, input: StartSlaRunInput) -> StartSlaRunPayload:
        run = await info.context.house.runs.start(StartRun(input.period), info.context.actor)
        return StartSlaRunPayload(run=sla_run(run))
