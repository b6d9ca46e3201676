"""What a running period's credit is heading for. For the vendor's people, while the flag is on."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from schema.context import Info
from schema.types.receipt import Receipt, receipt_of
from schema.types.report import Finding, finding
from schema.work import GATHERED
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.forecast import model


@strawberry.type(description="Whether the forecast is shown, and who switched it.")
class CreditForecastFlag:
    enabled: bool
    reason: str
    set_at: datetime
    set_by: str
    row: strawberry.Private[model.FlagRevision]

    @strawberry.field(description="Of the switch; in the vendor's own log.", metadata=GATHERED)
    async def receipt(self, info: Info) -> Receipt:
        return await receipt_of(info, VENDOR_ID, self.row.receipt_id)


@strawberry.type(description="One promise of the running period, up to the last local midnight.")
class SlaForecast:
    objective: str
    target: str = strawberry.field(description="Percent.")
    until: datetime
    raw: str | None = strawberry.field(description="Percent so far as measured, cut after six digits.")
    attained: str | None = strawberry.field(description="The same after exclusions.")
    met: bool | None
    budget_minutes: int | None = strawberry.field(description="What the whole period may lose.")
    used_minutes: int | None
    days_left: int | None
    days_behind: int | None = strawberry.field(description="Whole days it is judged by.")
    likelihood: float | None = strawberry.field(
        description="That it is broken by the end, 0 to 1; null where too few days are known."
    )
    findings: list[Finding]


@strawberry.type(description="The running period; it signs nothing.")
class CreditForecast:
    period: str
    contract_version: str
    amount: Decimal | None = strawberry.field(
        description="What the contract would give if it ended now, in major units; null without a figure."
    )
    currency: str | None
    slas: list[SlaForecast]


def credit_forecast(row: model.Forecast) -> CreditForecast:
    return CreditForecast(
        period=row.period,
        contract_version=row.contract_version,
        amount=None if row.credit is None else Decimal(row.credit.decimal),
        currency=None if row.credit is None else row.credit.currency,
        slas=[_sla(each) for each in row.slas],
    )


def credit_forecast_flag(row: model.FlagRevision) -> CreditForecastFlag:
    return CreditForecastFlag(
        enabled=row.enabled, reason=row.reason, set_at=row.set_at, set_by=row.set_by, row=row
    )


def _sla(row: model.SlaForecast) -> SlaForecast:
    outlook = row.outlook
    return SlaForecast(
        objective=row.objective,
        target=row.target,
        until=row.until,
        raw=None if row.raw is None else truncated_percent(row.raw.value),
        attained=None if row.attained is None else truncated_percent(row.attained.value),
        met=row.met,
        budget_minutes=None if outlook is None else outlook.budget,
        used_minutes=None if outlook is None else outlook.used,
        days_left=None if outlook is None else outlook.days_left,
        days_behind=None if outlook is None else outlook.days_behind,
        likelihood=None if outlook is None else outlook.likelihood,
        findings=[finding(each) for each in row.findings],
    )
