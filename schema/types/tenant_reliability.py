"""What a tenant is asked about what it was promised: contracts, reports, credits."""

from __future__ import annotations

import json

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.types.contract import ContractChange, ContractVersion, contract_change, contract_version
from schema.types.credit import (
    Credit,
    CreditCalculation,
    CreditClaim,
    credit,
    credit_calculation,
    credit_claim,
)
from schema.types.cross_check import CrossCheckSource, cross_check_source
from schema.types.exclusion import Exclusion, exclusion
from schema.types.forecast import CreditForecast, credit_forecast
from schema.types.objective import Objective, objective
from schema.types.of_tenant import OfTenant
from schema.types.report import SlaReport, sla_report
from schema.work import weighs
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.contracts.difference import difference
from trust_portal.reliability.credits.model import CreditState
from trust_portal.reliability.reports.preview import preview_json
from trust_portal.reliability.reports.what_if import AskWhatIf


@strawberry.type
class ReliabilityOfTenant(OfTenant):
    @paged(description="Credits, newest first.")
    async def credits(
        self, info: Info, paging: PageRequest, period: str | None = None, state: CreditState | None = None
    ) -> Connection[Credit]:
        house, actor = info.context.house, info.context.actor
        page = await house.credits.page(actor, self.uuid, paging, period=period, state=state)
        return connection(page, lambda row: credit(row, self.key))

    @strawberry.field(description="What the newest signed reports say is due and nobody has proposed.")
    async def credits_due(self, info: Info) -> list[CreditCalculation]:
        found = await info.context.house.credits.due(info.context.actor, self.uuid)
        return [credit_calculation(each) for each in found]

    @paged(description="What the customer claimed, newest first.")
    async def credit_claims(self, info: Info, paging: PageRequest) -> Connection[CreditClaim]:
        house, actor = info.context.house, info.context.actor
        page = await house.credits.claims(actor, self.uuid, paging)
        return connection(page, credit_claim)

    @strawberry.field(
        description="What the running period is heading for; null while it is switched off. For staff.",
        metadata=weighs(100),
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
        "`trust-portal sla preview --json`. Nothing is stored. For staff.",
        metadata=weighs(500),
    )
    async def contract_preview(
        self, info: Info, period: str, version: str | None = None, document: str | None = None
    ) -> str:
        query = AskWhatIf(self.uuid, period, version, document)
        found = await info.context.house.what_ifs.ask(query, info.context.actor)
        return json.dumps(preview_json(found.assessment), ensure_ascii=False)

    @paged(description="Exclusions after the fact, newest first.")
    async def exclusions(self, info: Info, paging: PageRequest) -> Connection[Exclusion]:
        house, actor = info.context.house, info.context.actor
        page = await house.exclusions.page(actor, self.uuid, paging)
        return connection(page, exclusion)

    @paged(description="SLA reports and refused attempts, newest first.")
    async def sla_reports(
        self, info: Info, paging: PageRequest, period: str | None = None
    ) -> Connection[SlaReport]:
        house, actor = info.context.house, info.context.actor
        page = await house.reports.page(actor, self.uuid, paging, period=period)
        return connection(page, lambda row: sla_report(row, self.key))

    @strawberry.field(description="The latest signed report of a period, or its latest refusal.")
    async def sla_report(self, info: Info, period: str) -> SlaReport | None:
        found = await info.context.house.reports.latest(info.context.actor, self.uuid, period)
        return None if found is None else sla_report(found, self.key)

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
