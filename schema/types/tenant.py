"""A tenant and the lists that belong to it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry

from schema.connection import Connection, connection, page_request
from schema.context import Info
from schema.ids import encode
from schema.types.access import AccessEntry, access_entry
from schema.types.approval import ApprovalRequest, approval_request
from schema.types.audit import AuditInvitation, audit_invitation
from schema.types.contract import ContractChange, ContractVersion, contract_change, contract_version
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
from schema.types.credit import (
    Credit,
    CreditCalculation,
    CreditClaim,
    credit,
    credit_calculation,
    credit_claim,
)
from schema.types.cross_check import CrossCheckSource, cross_check_source
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
from schema.types.exclusion import Exclusion, exclusion
from schema.types.export import Export, export
from schema.types.forecast import CreditForecast, credit_forecast
from schema.types.incident import (
    Incident,
    MaintenanceWindow,
    PostmortemCopy,
    incident,
    maintenance_window,
    postmortem_copy,
)
from schema.types.notification import Delivery, Webhook, delivery, webhook
from schema.types.objective import Objective, objective
from schema.types.person import Person, person
from schema.types.posture import CustomerKey, PostureCheck, customer_key, posture_check
from schema.types.receipt import KindArgument, Receipt, receipt
from schema.types.report import SlaReport, sla_report
from schema.types.token import ApiToken, api_token
from schema.types.trust_report import TrustReport, TrustReportPreview, trust_report, trust_report_preview
from trust_portal.access.access_log.model import AccessFilter, Looker, Verb
from trust_portal.access.action import Action
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.policy import Resource
from trust_portal.access.tenants import model
from trust_portal.cost.anomalies.model import AnomalyFilter, AnomalyState, Verdict
from trust_portal.cost.detection.model import Direction, Severity
from trust_portal.errors import InvalidInput
from trust_portal.notify.log import DeliveryFilter
from trust_portal.notify.model import Channel
from trust_portal.reliability.contracts.difference import difference
from trust_portal.reliability.credits.model import CreditState
from trust_portal.reliability.reports.preview import preview_json
from trust_portal.reliability.reports.what_if import AskWhatIf

_LONGEST_SPAN = timedelta(days=366)

First = Annotated[int | None, strawberry.argument(description="How many from the start, 1 to 100.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 1 to 100.")]


@strawberry.type(description="A customer of the vendor, or the vendor itself.")
class Tenant:
    id: strawberry.ID
    key: str = strawberry.field(description="Its name in events and contracts.")
    name: str
    time_zone: str = strawberry.field(description="IANA name.")
    residency: str
    onboarded_at: datetime
    offboarded_at: datetime | None
    uuid: strawberry.Private[UUID]

    @strawberry.field(description="Whether the caller may do an action here, by its name.")
    def viewer_can(self, info: Info, action: str) -> bool:
        try:
            asked = Action(action)
        except ValueError:
            return False
        return info.context.house.gate.allows(info.context.actor, asked, Resource("tenant", self.uuid))

    @strawberry.field(description="Where systems are told, the disabled ones too.")
    async def webhooks(self, info: Info) -> list[Webhook]:
        found = await info.context.house.endpoints.of_tenant(info.context.actor, self.uuid)
        return [webhook(each) for each in found]

    @strawberry.field(description="Mail and webhooks that were sent or tried, newest first.")
    async def deliveries(
        self,
        info: Info,
        channel: Channel | None = None,
        given_up: bool = False,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[Delivery]:
        wanted = DeliveryFilter(self.uuid, channel=channel, given_up=given_up)
        page = page_request(first, after, last, before)
        return connection(
            await info.context.house.delivery_log.page(info.context.actor, wanted, page), delivery
        )

    @strawberry.field(description="People who can sign in here.")
    async def people(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[Person]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.people.page(actor, self.uuid, page_request(first, after, last, before)), person
        )

    @strawberry.field(description="API tokens, newest first, spent ones too.")
    async def tokens(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[ApiToken]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.tokens.page(actor, self.uuid, page_request(first, after, last, before)), api_token
        )

    @strawberry.field(description="Auditors who were invited, newest first.")
    async def audit_invitations(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[AuditInvitation]:
        house, actor = info.context.house, info.context.actor
        page = await house.audit_invitations.page(actor, self.uuid, page_request(first, after, last, before))
        return connection(page, lambda each: audit_invitation(each, house.clock.now()))

    @strawberry.field(description="Who looked at this tenant's things, newest first.")
    async def access_log(
        self,
        info: Info,
        by: Looker | None = None,
        verb: Verb | None = None,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[AccessEntry]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.access_log.page(
                actor, self.uuid, page_request(first, after, last, before), AccessFilter(by, verb)
            ),
            access_entry,
        )

    @strawberry.field(description="Requests for approval about this tenant, newest first.")
    async def approval_requests(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
        show: Show = Show.ALL,
        kind: ApprovalKind | None = None,
    ) -> Connection[ApprovalRequest]:
        page = await info.context.house.approval_inbox.page(
            info.context.actor,
            ApprovalFilter(self.uuid, show, kind),
            page_request(first, after, last, before),
        )
        return connection(page, approval_request)

    @strawberry.field(description="Receipts, newest first.")
    async def receipts(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
        kind: KindArgument = None,
    ) -> Connection[Receipt]:
        house, actor = info.context.house, info.context.actor
        page = await house.archive.receipts(actor, self.uuid, page_request(first, after, last, before), kind)
        return connection(page, receipt)

    @strawberry.field(description="The newest of each check of posture that was ever made.")
    async def posture(self, info: Info) -> list[PostureCheck]:
        view = await info.context.house.posture.view(info.context.actor, self.uuid)
        return [posture_check(each) for each in view.latest]

    @strawberry.field(description="What was done about the customer's own key, newest first.")
    async def customer_keys(self, info: Info) -> list[CustomerKey]:
        acts = await info.context.house.customer_keys.history(info.context.actor, self.uuid)
        return [customer_key(each) for each in acts]

    @strawberry.field(description="What a verifier pins to believe this tenant's log: a C2SP tlog-policy.")
    async def trust_policy(self, info: Info) -> str:
        return await info.context.house.archive.trust_policy(info.context.actor, self.uuid)

    @strawberry.field(description="Credits, newest first.")
    async def credits(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
        period: str | None = None,
        state: CreditState | None = None,
    ) -> Connection[Credit]:
        house, actor = info.context.house, info.context.actor
        page = await house.credits.page(
            actor, self.uuid, page_request(first, after, last, before), period=period, state=state
        )
        return connection(page, lambda row: credit(row, self.key))

    @strawberry.field(description="What the newest signed reports say is due and nobody has proposed.")
    async def credits_due(self, info: Info) -> list[CreditCalculation]:
        found = await info.context.house.credits.due(info.context.actor, self.uuid)
        return [credit_calculation(each) for each in found]

    @strawberry.field(description="What the customer claimed, newest first.")
    async def credit_claims(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[CreditClaim]:
        house, actor = info.context.house, info.context.actor
        page = await house.credits.claims(actor, self.uuid, page_request(first, after, last, before))
        return connection(page, credit_claim)

    @strawberry.field(
        description="What the running period is heading for; null while it is switched off. For staff."
    )
    async def credit_forecast(self, info: Info) -> CreditForecast | None:
        found = await info.context.house.forecasts.of_tenant(info.context.actor, self.uuid)
        return None if found is None else credit_forecast(found)

    @strawberry.field(description="Which terms one version says otherwise than another.")
    async def contract_changes(self, info: Info, before: str, after: str) -> list[ContractChange]:
        house, actor = info.context.house, info.context.actor
        one = await house.contracts.get(actor, self.uuid, before)
        other = await house.contracts.get(actor, self.uuid, after)
        return [contract_change(each) for each in difference(one.contract, other.contract)]

    @strawberry.field(
        description="A past period by a recorded version or a draft, as JSON like that of "
        "`trust-portal sla preview --json`. Nothing is stored. For staff."
    )
    async def contract_preview(
        self, info: Info, period: str, version: str | None = None, document: str | None = None
    ) -> str:
        query = AskWhatIf(self.uuid, period, version, document)
        found = await info.context.house.what_ifs.ask(query, info.context.actor)
        return json.dumps(preview_json(found.assessment), ensure_ascii=False)

    @strawberry.field(description="Exclusions after the fact, newest first.")
    async def exclusions(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[Exclusion]:
        house, actor = info.context.house, info.context.actor
        page = await house.exclusions.page(actor, self.uuid, page_request(first, after, last, before))
        return connection(page, exclusion)

    @strawberry.field(description="Published Trust Reports, newest first.")
    async def trust_reports(self, info: Info) -> list[TrustReport]:
        found = await info.context.house.trust_reports.versions(info.context.actor, self.uuid)
        return [trust_report(each, self.key) for each in found]

    @strawberry.field(
        description="What the Trust Report of a period would say now; for those who may publish."
    )
    async def trust_report_preview(self, info: Info, period: str) -> TrustReportPreview:
        house = info.context.house
        return trust_report_preview(await house.trust_reports.preview(info.context.actor, self.uuid, period))

    @strawberry.field(description="SLA reports and refused attempts, newest first.")
    async def sla_reports(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
        period: str | None = None,
    ) -> Connection[SlaReport]:
        house, actor = info.context.house, info.context.actor
        page = await house.reports.page(
            actor, self.uuid, page_request(first, after, last, before), period=period
        )
        return connection(page, lambda row: sla_report(row, self.key))

    @strawberry.field(description="The latest signed report of a period, or its latest refusal.")
    async def sla_report(self, info: Info, period: str) -> SlaReport | None:
        found = await info.context.house.reports.latest(info.context.actor, self.uuid, period)
        return None if found is None else sla_report(found, self.key)

    @strawberry.field(description="Exports, newest first, unfinished ones too.")
    async def exports(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[Export]:
        house, actor = info.context.house, info.context.actor
        page = await house.archive.exports(actor, self.uuid, page_request(first, after, last, before))
        return connection(page, lambda row: export(row, self.key))

    @strawberry.field(description="Incidents under way between two instants, newest first; at most a year.")
    async def incidents(self, info: Info, since: datetime, until: datetime) -> list[Incident]:
        found = await info.context.house.customer_incidents.of_tenant(
            info.context.actor, self.uuid, *_span(since, until)
        )
        return [incident(each, self.key) for each in found]

    @strawberry.field(description="Postmortems that were released to the tenant, the latest first.")
    async def postmortems(self, info: Info) -> list[PostmortemCopy]:
        found = await info.context.house.postmortem_copies.list(info.context.actor, self.uuid)
        return [postmortem_copy(each.copy, self.key) for each in found]

    @strawberry.field(
        description="Maintenance windows that touch the span, newest first, cancelled ones too; at most a year."
    )
    async def maintenance(self, info: Info, since: datetime, until: datetime) -> list[MaintenanceWindow]:
        found = await info.context.house.operations.maintenance(
            info.context.actor, self.uuid, *_span(since, until)
        )
        return [maintenance_window(each) for each in found]

    @strawberry.field(description="Objectives that hold for this tenant, by key.")
    async def objectives(self, info: Info) -> list[Objective]:
        found = await info.context.house.objectives.of_tenant(info.context.actor, self.uuid)
        return [objective(each) for each in found]

    @strawberry.field(description="Every contract version, in the order of recording.")
    async def contracts(self, info: Info) -> list[ContractVersion]:
        versions = await info.context.house.contracts.versions(info.context.actor, self.uuid)
        return [contract_version(each) for each in versions]

    @strawberry.field(description="Who confirms this tenant's counts, by objective; for staff.")
    async def cross_checks(self, info: Info) -> list[CrossCheckSource]:
        found = await info.context.house.cross_checks.of_tenant(info.context.actor, self.uuid)
        return [cross_check_source(each) for each in found.values()]

    @strawberry.field(description="Cost anomalies, newest first.")
    async def cost_anomalies(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
        state: AnomalyState | None = None,
        subsystem: str | None = None,
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
            since=_aware(since, "since"),
            until=_aware(until, "until"),
        )
        page = await info.context.house.anomalies.page(
            info.context.actor, wanted, page_request(first, after, last, before)
        )
        return connection(page, cost_anomaly)

    @strawberry.field(description="What raises nothing for a while, newest first.")
    async def cost_suppressions(
        self,
        info: Info,
        first: First = None,
        after: str | None = None,
        last: Last = None,
        before: str | None = None,
    ) -> Connection[CostSuppression]:
        page = await info.context.house.suppressions.page(
            info.context.actor, self.uuid, page_request(first, after, last, before)
        )
        return connection(page, cost_suppression)

    @strawberry.field(description="What is worth raising now, by subsystem.")
    async def cost_thresholds(self, info: Info) -> list[CostThresholds]:
        found = await info.context.house.thresholds.effective(info.context.actor, self.uuid)
        return [cost_thresholds(each) for each in found]

    @strawberry.field(
        description="What other thresholds would have raised on this tenant's history; for staff."
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
        description="What the detectors found and how good it was; at the vendor, of all tenants."
    )
    async def cost_detector_report(
        self, info: Info, since: datetime | None = None, until: datetime | None = None
    ) -> CostDetectorReport:
        start, end = _aware(since, "since"), _aware(until, "until")
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


def _aware(at: datetime | None, field: str) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise InvalidInput("an instant names its offset, such as Z", field=field)
    return at


def _span(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    if since.tzinfo is None or until.tzinfo is None:
        raise InvalidInput("an instant names its offset, such as Z", field="since")
    if not timedelta(0) < until - since <= _LONGEST_SPAN:
        raise InvalidInput("until lies after since, by at most 366 days", field="until")
    return since, until


def tenant(row: model.Tenant) -> Tenant:
    return Tenant(
        id=encode("Tenant", row.id, row.id),
        key=row.key,
        name=row.name,
        time_zone=row.time_zone,
        residency=row.residency,
        onboarded_at=row.onboarded_at,
        offboarded_at=row.offboarded_at,
        uuid=row.id,
    )
