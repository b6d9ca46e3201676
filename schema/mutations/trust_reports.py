"""Publishing Trust Reports."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.trust_batch import TrustBatch, trust_batch
from schema.types.trust_report import TrustReport, trust_report
from trust_portal.trust.batches.model import StartTrustBatch
from trust_portal.trust.report.model import Acknowledgement, PublishTrustReport


@strawberry.input(description="A section that is let stand although stale or missing, and why.")
class AcknowledgedSectionInput:
    section: str
    reason: str = strawberry.field(description="Printed in the report, and signed.")
    seen: str = strawberry.field(description="As the preview gives it: of anything else nothing is known.")


@strawberry.input(description="Which Trust Report to publish.")
class PublishTrustReportInput:
    tenant_id: strawberry.ID
    period: str = strawberry.field(description="2026-06 or 2026-Q2; it may still be running.")
    acknowledgements: list[AcknowledgedSectionInput] = strawberry.field(default_factory=list)
    reason: str | None = strawberry.field(default=None, description="Needed over a published one.")


@strawberry.type(description="The report published.")
class PublishTrustReportPayload(Payload):
    report: TrustReport | None = None


@strawberry.input(description="Of which period to publish every tenant's Trust Report.")
class StartTrustBatchInput:
    period: str
    acknowledgements: list[AcknowledgedSectionInput] = strawberry.field(
        default_factory=list, description="Count for every tenant of which the section says just that."
    )


@strawberry.type(description="The batch, new or under way.")
class StartTrustBatchPayload(Payload):
    batch: TrustBatch | None = None


@strawberry.type
class TrustReportMutations:
    @mutation(
        description="Publish a tenant's Trust Report. What is stale or missing blocks unless it is acknowledged."
    )
    async def publish_trust_report(
        self, info: Info, input: PublishTrustReportInput
    ) -> PublishTrustReportPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        tenant = await house.tenants.get(actor, tenant_id, purpose="GraphQL")
        given = _acknowledged(input.acknowledgements)
        command = PublishTrustReport(tenant_id, input.period, given, input.reason)
        report = await house.trust_reports.publish(command, actor)
        return PublishTrustReportPayload(report=trust_report(report, tenant.key))

    @mutation(description="Start the period's batch of Trust Reports over every tenant, or its next attempt.")
    async def start_trust_batch(self, info: Info, input: StartTrustBatchInput) -> StartTrustBatchPayload:
        house, actor = info.context.house, info.context.actor
        batch = await house.trust_batches.start(
            StartTrustBatch(input.period, _acknowledged(input.acknowledgements)), actor
        )
        return StartTrustBatchPayload(batch=trust_batch(batch))


def _acknowledged(given: list[AcknowledgedSectionInput]) -> tuple[Acknowledgement, ...]:
    return tuple(Acknowledgement(each.section, each.reason, each.seen) for each in given)
