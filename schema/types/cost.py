"""Cost: anomalies with their explanations, what is set for detection, budgets, and how well the loop works.

Amounts are exact decimals in major units of the currency beside them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.types.explanation import CostExplanation, explanation
from schema.work import weighs
from trust_portal.cost.anomalies import model
from trust_portal.cost.anomalies.suppressions_model import Suppression as SuppressionRow
from trust_portal.cost.anomalies.thresholds import EffectiveThresholds
from trust_portal.cost.budgets.alerts_model import AlertKind, BudgetAlert
from trust_portal.cost.budgets.service import BudgetStatus
from trust_portal.cost.detection.model import Direction, Reason, Severity
from trust_portal.cost.kpis import model as kpis
from trust_portal.cost.metering.model import Subsystem

strawberry.enum(Subsystem, name="CostSubsystem", description="What usage is told apart by.")
strawberry.enum(model.AnomalyState, name="CostAnomalyState", description="Whether cost is back.")
strawberry.enum(model.Verdict, name="CostAnomalyVerdict", description="What people say an anomaly was.")
strawberry.enum(Severity, name="CostAnomalySeverity", description="By how much it exceeds what matters.")
strawberry.enum(Direction, name="CostAnomalyDirection", description="A rise or a drop.")
strawberry.enum(AlertKind, name="CostBudgetAlertKind", description="What is said of a budget.")
strawberry.enum(Reason, name="CostAnomalyKind", description="Which watch raised it.")


@strawberry.type(description="What somebody said of an anomaly; the newest counts.")
class CostFeedback:
    verdict: model.Verdict
    note: str
    given_at: datetime
    given_by: str
    receipt_id: strawberry.ID


@strawberry.type(
    description="One departure of one series of cost from what was expected. Amounts are exact, in major units of the currency beside it."
)
class CostAnomaly(Node):
    subsystem: Subsystem
    currency: str
    direction: Direction
    kind: Reason
    state: model.AnomalyState
    severity: Severity
    confidence: float = strawberry.field(description="From 0 to 1: how sure it is that something is there.")
    started_at: datetime = strawberry.field(description="Start of its first hour.")
    peak_at: datetime = strawberry.field(description="Start of the hour farthest from expectation.")
    last_at: datetime = strawberry.field(description="Start of its last unusual hour so far.")
    detected_at: datetime
    expected: Decimal
    actual: Decimal
    excess: Decimal = strawberry.field(description="Actual less expected; of a drop below zero.")
    unexplained: Decimal = strawberry.field(description="What of the excess no cause accounts for.")
    detector: str = strawberry.field(description="Name and version.")
    suppressed: bool
    verdict: model.Verdict | None
    revision: int
    opened_at: datetime
    explained_at: datetime | None = strawberry.field(description="The latest explanation.")
    first_explained_at: datetime | None = strawberry.field(description="It never moves again.")
    closed_at: datetime | None
    opened_receipt_id: strawberry.ID | None
    explained_receipt_id: strawberry.ID | None
    closed_receipt_id: strawberry.ID | None
    row: strawberry.Private[model.CostAnomaly]

    @strawberry.field(description="Why: from what is known now.", metadata=weighs(100))
    async def explanation(self, info: Info) -> CostExplanation:
        house, actor = info.context.house, info.context.actor
        return explanation(await house.explanations.explain(actor, self.row.tenant_id, self.row.id))

    @strawberry.field(description="All that was said of it, newest first.")
    async def feedback(self, info: Info) -> list[CostFeedback]:
        house, actor = info.context.house, info.context.actor
        found = await house.anomalies.feedback(actor, self.row.tenant_id, self.row.id)
        return [feedback(self.row.tenant_id, each) for each in found]


@strawberry.type(description="What is found under it is kept and marked, and raises nothing.")
class CostSuppression:
    id: strawberry.ID
    subsystem: Subsystem | None = strawberry.field(description="Null: every one.")
    reason: str
    starts_at: datetime
    ends_at: datetime = strawberry.field(description="As set at first.")
    ended_at: datetime | None = strawberry.field(description="If somebody ended it earlier.")
    end_reason: str | None
    created_by: str
    ended_by: str | None
    receipt_id: strawberry.ID


@strawberry.type(description="What is worth raising for one subsystem now.")
class CostThresholds:
    subsystem: Subsystem
    min_impact: float = strawberry.field(
        description="Least excess, in major units of the series' currency: 0 to 1e12."
    )
    min_day_share: float = strawberry.field(
        description="Least excess as a share of what the series comes to in a usual day: 0 to 100; 0.4 is 40 percent."
    )
    sensitivity: float = strawberry.field(
        description="As a factor, 0.1 to 10: at 2 half of the usual deviation is raised."
    )
    burn_rate: float = strawberry.field(
        description="How many times as fast as the budget spending is too fast: 1 to 1000."
    )
    drop_impact: float = strawberry.field(
        description="How many times as large as a rise a drop has to be: 0.1 to 1000."
    )
    own_revision: int | None = strawberry.field(
        description="Of the thresholds set for this very subsystem, if any."
    )


@strawberry.type(
    description="A month's budget and how far the month has come, in major units of the currency beside it."
)
class CostBudget:
    subsystem: Subsystem | None = strawberry.field(description="Null: all together.")
    currency: str
    amount: Decimal
    month: date
    spent: Decimal
    forecast: Decimal | None = strawberry.field(description="The month at its pace so far.")
    pace: Decimal | None = strawberry.field(description="1: on budget; 2: twice as fast.")
    revision: int
    receipt_id: strawberry.ID


@strawberry.type(description="What one subsystem has in an alert, in major units of the alert's currency.")
class CostBudgetPortion:
    subsystem: Subsystem
    spent: Decimal
    expected: Decimal | None = strawberry.field(description="Of such hours; null where the month counts.")


@strawberry.type(
    description="A budget burned too fast or was used up; its figures, in major units of the currency beside it, are those it was raised on."
)
class CostBudgetAlert:
    kind: AlertKind
    subsystem: Subsystem | None = strawberry.field(description="Null: all together.")
    currency: str
    month: date
    amount: Decimal = strawberry.field(description="The month's budget.")
    start: datetime = strawberry.field(description="Of the first hour that counts.")
    end: datetime = strawberry.field(description="Of the last closed hour.")
    spent: Decimal = strawberry.field(description="From start to end; the sum of the portions.")
    allowed: Decimal = strawberry.field(description="What the budget has for that time, spent evenly.")
    portions: list[CostBudgetPortion]
    raised_at: datetime
    receipt_id: strawberry.ID


@strawberry.type(
    description="Unexplained spend of four weeks and of the four before, in major units of the currency beside it."
)
class UnexplainedSpend:
    currency: str
    current: Decimal
    baseline: Decimal
    change: Decimal | None = strawberry.field(
        description="As a share of the baseline: -0.5 is half of it less; null without a baseline."
    )


@strawberry.type(description="How long something took: of how many anomalies, in the median and on average.")
class CostDurations:
    count: int
    median_seconds: float | None
    mean_seconds: float | None


@strawberry.type(description="Whether the cost loop works: four weeks against the four before.")
class CostKpis:
    at: datetime
    anomalies: int = strawberry.field(description="How many began in the last four weeks.")
    open: int = strawberry.field(description="How many of those are open.")
    unexplained: list[UnexplainedSpend]
    time_to_detect: CostDurations = strawberry.field(
        description="From the first hour's start to the opening; without what was found over 3 days late, in history."
    )
    time_to_explain: CostDurations = strawberry.field(description="For the first time, from the opening.")
    time_to_recover: CostDurations
    judged: int = strawberry.field(description="How many of those people have judged.")
    false_positives: int = strawberry.field(description="How many of the judged were called false.")
    false_positive_rate: Decimal | None = strawberry.field(
        description="From 0 to 1, of those judged; null: nobody has."
    )


def cost_anomaly(row: model.CostAnomaly) -> CostAnomaly:
    def receipt(id_: UUID | None) -> strawberry.ID | None:
        return None if id_ is None else encode("Receipt", row.tenant_id, id_)

    return CostAnomaly(
        id=encode("CostAnomaly", row.tenant_id, row.id),
        subsystem=Subsystem(row.series.subsystem),
        currency=row.series.currency,
        direction=row.direction,
        kind=row.kind,
        state=row.state,
        severity=row.severity,
        confidence=row.confidence,
        started_at=row.started_at,
        peak_at=row.peak_at,
        last_at=row.last_at,
        detected_at=row.detected_at,
        expected=row.figures.expected,
        actual=row.figures.actual,
        excess=row.figures.excess,
        unexplained=row.unexplained,
        detector=f"{row.detector}@{row.detector_version}",
        suppressed=row.suppression_id is not None,
        verdict=row.verdict,
        revision=row.revision,
        opened_at=row.opened_at,
        explained_at=row.explained_at,
        first_explained_at=row.first_explained_at,
        closed_at=row.closed_at,
        opened_receipt_id=receipt(row.opened_receipt_id),
        explained_receipt_id=receipt(row.explained_receipt_id),
        closed_receipt_id=receipt(row.closed_receipt_id),
        row=row,
    )


def feedback(tenant_id: UUID, row: model.Feedback) -> CostFeedback:
    return CostFeedback(
        verdict=row.verdict,
        note=row.note,
        given_at=row.given_at,
        given_by=row.given_by,
        receipt_id=encode("Receipt", tenant_id, row.receipt_id),
    )


def cost_suppression(row: SuppressionRow) -> CostSuppression:
    return CostSuppression(
        id=encode("CostSuppression", row.tenant_id, row.id),
        subsystem=None if row.subsystem is None else Subsystem(row.subsystem),
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
        created_by=row.created_by,
        ended_by=row.ended_by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def cost_thresholds(row: EffectiveThresholds) -> CostThresholds:
    held = row.thresholds
    return CostThresholds(
        subsystem=Subsystem(row.subsystem),
        min_impact=held.min_impact,
        min_day_share=held.min_day_share,
        sensitivity=held.sensitivity,
        burn_rate=held.burn_rate,
        drop_impact=held.drop_impact,
        own_revision=None if row.own is None else row.own.revision,
    )


def cost_budget(row: BudgetStatus) -> CostBudget:
    budget = row.budget
    assert budget.amount is not None  # noqa: S101 - a withdrawn budget has no status
    return CostBudget(
        subsystem=Subsystem(budget.subsystem) if budget.subsystem else None,
        currency=budget.currency,
        amount=budget.amount,
        month=row.month,
        spent=row.spent,
        forecast=row.forecast,
        pace=row.pace,
        revision=budget.revision,
        receipt_id=encode("Receipt", budget.tenant_id, budget.receipt_id),
    )


def cost_budget_alert(row: BudgetAlert) -> CostBudgetAlert:
    return CostBudgetAlert(
        kind=row.kind,
        subsystem=Subsystem(row.subsystem) if row.subsystem else None,
        currency=row.currency,
        month=row.month,
        amount=row.amount,
        start=row.start,
        end=row.hour + timedelta(hours=1),
        spent=row.spent,
        allowed=row.allowed,
        portions=[
            CostBudgetPortion(subsystem=Subsystem(name), spent=each.spent, expected=each.expected)
            for name, each in row.portions.items()
        ],
        raised_at=row.raised_at,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )


def cost_kpis(row: kpis.CostKpis) -> CostKpis:
    detect, explain, recover = map(_durations, (row.to_detect, row.to_explain, row.to_recover))
    return CostKpis(
        at=row.at,
        anomalies=row.anomalies,
        open=row.open,
        unexplained=[
            UnexplainedSpend(
                currency=currency, current=each.current, baseline=each.baseline, change=each.change
            )
            for currency, each in row.unexplained.items()
        ],
        time_to_detect=detect,
        time_to_explain=explain,
        time_to_recover=recover,
        judged=row.judged,
        false_positives=row.false_positives,
        false_positive_rate=row.false_positive_rate,
    )


def _durations(row: kpis.Durations) -> CostDurations:
    def seconds(span: timedelta | None) -> float | None:
        return None if span is None else span.total_seconds()

    return CostDurations(count=row.count, median_seconds=seconds(row.median), mean_seconds=seconds(row.mean))
