"""What a tenant is asked about cost."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.types.cost import (
    CostAnomaly,
    CostBudget,
    CostBudgetAlert,
    CostKpis,
    CostSuppression,
    CostThresholds,
    cost_anomaly,
    cost_budget,
    cost_budget_alert,
    cost_kpis,
    cost_suppression,
    cost_thresholds,
)
from schema.types.detector import (
    CostBackTest,
    CostBackTestRun,
    CostDetectorReport,
    CostDetectors,
    CostThresholdTrial,
    TriedThresholdsInput,
    cost_back_test,
    cost_back_test_run,
    cost_detector_report,
    cost_detectors,
    cost_threshold_trial,
    try_thresholds,
)
from schema.types.of_tenant import OfTenant, aware
from schema.work import weighs
from trust_portal.cost.anomalies.model import AnomalyFilter, AnomalyState, Verdict
from trust_portal.cost.detection.model import Direction, Severity
from trust_portal.cost.metering.model import Subsystem
from trust_portal.kernel.page import PageRequest


@strawberry.type
class CostOfTenant(OfTenant):
    @paged(description="Cost anomalies, newest first.")
    async def cost_anomalies(
        self,
        info: Info,
        paging: PageRequest,
        state: AnomalyState | None = None,
        subsystem: Subsystem | None = None,
        direction: Direction | None = None,
        severity: Severity | None = None,
        verdict: Verdict | None = None,
        suppressed: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Connection[CostAnomaly]:
        wanted = AnomalyFilter(
            self.uuid,
            subsystem=subsystem,
            state=state,
            direction=direction,
            severity=severity,
            verdict=verdict,
            suppressed=suppressed,
            since=aware(since, "since"),
            until=aware(until, "until"),
        )
        page = await info.context.house.anomalies.page(info.context.actor, wanted, paging)
        return connection(page, cost_anomaly)

    @paged(description="What raises nothing for a while, newest first.")
    async def cost_suppressions(self, info: Info, paging: PageRequest) -> Connection[CostSuppression]:
        page = await info.context.house.suppressions.page(info.context.actor, self.uuid, paging)
        return connection(page, cost_suppression)

    @strawberry.field(description="What is worth raising now, by subsystem.")
    async def cost_thresholds(self, info: Info) -> list[CostThresholds]:
        found = await info.context.house.thresholds.effective(info.context.actor, self.uuid)
        return [cost_thresholds(each) for each in found]

    @strawberry.field(
        description="What other thresholds would have raised on this tenant's history; for staff.",
        metadata=weighs(500),
    )
    async def cost_threshold_trial(self, info: Info, tried: TriedThresholdsInput) -> CostThresholdTrial:
        query = try_thresholds(self.uuid, tried)
        return cost_threshold_trial(await info.context.house.backtests.run(query, info.context.actor))

    @strawberry.field(
        description="Which detectors watch; at the vendor, those of tenants without a flag of their own."
    )
    async def cost_detectors(self, info: Info) -> CostDetectors:
        return cost_detectors(await info.context.house.detector_flags.standing(info.context.actor, self.uuid))

    @strawberry.field(
        description="What the detectors found and how good it was; at the vendor, of all tenants.",
        metadata=weighs(100),
    )
    async def cost_detector_report(
        self, info: Info, since: datetime | None = None, until: datetime | None = None
    ) -> CostDetectorReport:
        start, end = aware(since, "since"), aware(until, "until")
        reports = info.context.house.detector_reports
        return cost_detector_report(await reports.report(info.context.actor, self.uuid, start, end))

    @strawberry.field(description="The latest back-tests of detectors, newest first; for staff.")
    async def cost_back_tests(self, info: Info) -> list[CostBackTest]:
        found = await info.context.house.detector_backtests.newest(info.context.actor, self.uuid)
        return [cost_back_test(each) for each in found]

    @strawberry.field(description="Back-tests that are under way or failed, newest first; for staff.")
    async def cost_back_test_runs(self, info: Info) -> list[CostBackTestRun]:
        found = await info.context.house.detector_backtests.unfinished(info.context.actor, self.uuid)
        return [cost_back_test_run(each) for each in found]

    @strawberry.field(description="Where the budgets of a month stand; of the current one by default.")
    async def cost_budgets(self, info: Info, month: date | None = None) -> list[CostBudget]:
        found = await info.context.house.budgets.status(info.context.actor, self.uuid, month)
        return [cost_budget(each) for each in found]

    @strawberry.field(description="What was said of the budgets, the newest fifty, newest first.")
    async def cost_budget_alerts(self, info: Info) -> list[CostBudgetAlert]:
        found = await info.context.house.budgets.alerts(info.context.actor, self.uuid)
        return [cost_budget_alert(each) for each in found]

    @strawberry.field(description="Whether the cost loop works for this tenant.")
    async def cost_kpis(self, info: Info) -> CostKpis:
        return cost_kpis(await info.context.house.cost_kpis.of_tenant(info.context.actor, self.uuid))
