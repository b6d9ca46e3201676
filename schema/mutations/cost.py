"""Judging anomalies, and setting what is worth raising, what is not, and what may be spent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import strawberry

from schema.context import Info
from schema.ids import decode, encode
from schema.payload import Payload, mutation
from schema.types.cost import (
    CostAnomaly,
    CostBudget,
    CostSuppression,
    CostThresholds,
    cost_anomaly,
    cost_budget,
    cost_suppression,
    cost_thresholds,
)
from schema.types.detector import FIGURES
from trust_portal.cost.anomalies.model import GiveFeedback, Verdict
from trust_portal.cost.anomalies.suppressions_model import CreateSuppression, EndSuppression
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.cost.metering.model import Subsystem
from trust_portal.errors import InvalidInput


@strawberry.input(description="What an anomaly was, in the words of whoever knows.")
class GiveCostFeedbackInput:
    anomaly_id: strawberry.ID
    verdict: Verdict
    note: str


@strawberry.type(description="The anomaly with its new verdict.")
class GiveCostFeedbackPayload(Payload):
    anomaly: CostAnomaly | None = None


@strawberry.input(description="Which anomaly's explanation is put on record.")
class RecordCostExplanationInput:
    anomaly_id: strawberry.ID


@strawberry.type(description="The anomaly with the receipt of its explanation.")
class RecordCostExplanationPayload(Payload):
    anomaly: CostAnomaly | None = None


@strawberry.input(description="What is to raise nothing, from when until when. At the vendor: for everybody.")
class SuppressCostInput:
    tenant_id: strawberry.ID
    subsystem: Subsystem | None = strawberry.field(default=None, description="Null: every one.")
    reason: str
    starts_at: datetime
    ends_at: datetime


@strawberry.input(description="Which suppression to end now, and why.")
class EndCostSuppressionInput:
    suppression_id: strawberry.ID
    reason: str


@strawberry.type(description="The suppression as it stands.")
class CostSuppressionPayload(Payload):
    suppression: CostSuppression | None = None


@strawberry.input(description="Thresholds; one that is left out keeps what lies above.")
class SetCostThresholdsInput:
    tenant_id: strawberry.ID
    subsystem: Subsystem | None = strawberry.field(default=None, description="Null: every one.")
    min_impact: float | None = strawberry.field(
        default=None, description="Least excess, in major units of the series' currency: 0 to 1e12."
    )
    min_day_share: float | None = strawberry.field(
        default=None,
        description="Least excess as a share of what the series comes to in a usual day: 0 to 100; 0.4 is 40 percent.",
    )
    sensitivity: float | None = strawberry.field(
        default=None,
        description="As a factor, 0.1 to 10: at 2 half of the usual deviation is raised.",
    )
    burn_rate: float | None = strawberry.field(
        default=None, description="How many times as fast as the budget spending is too fast: 1 to 1000."
    )
    drop_impact: float | None = strawberry.field(
        default=None, description="How many times as large as a rise a drop has to be: 0.1 to 1000."
    )
    reason: str
    expected_revision: int | None = strawberry.field(
        default=None, description="Refused if they were changed since."
    )


@strawberry.type(description="What holds now, for every subsystem.")
class SetCostThresholdsPayload(Payload):
    thresholds: list[CostThresholds] | None = None
    approval_request_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Of the request for approval, where less would be found; nothing is set before that.",
    )


@strawberry.input(description="A month's budget; without an amount it is withdrawn.")
class SetCostBudgetInput:
    tenant_id: strawberry.ID
    subsystem: Subsystem | None = strawberry.field(default=None, description="Null: all together.")
    currency: str
    amount: Decimal | None = strawberry.field(default=None, description="In major units of the currency.")
    from_month: date = strawberry.field(description="First day of a month.")
    reason: str
    expected_revision: int | None = strawberry.field(
        default=None, description="Refused if it was changed since."
    )


@strawberry.type(description="Where every budget of that month stands.")
class SetCostBudgetPayload(Payload):
    budgets: list[CostBudget] | None = None


@strawberry.type
class CostMutations:
    @mutation(description="Say what an anomaly was; said again, the last word counts.")
    async def give_cost_feedback(self, info: Info, input: GiveCostFeedbackInput) -> GiveCostFeedbackPayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.anomaly_id, "CostAnomaly", field="anomalyId")
        command = GiveFeedback(asked.tenant_id, asked.id, input.verdict, input.note)
        await house.anomalies.give_feedback(command, actor)
        found = await house.anomalies.get(actor, asked.tenant_id, asked.id)
        return GiveCostFeedbackPayload(anomaly=cost_anomaly(found))

    @mutation(
        description="Explain an anomaly and put that on record; where it is on record already, nothing happens."
    )
    async def record_cost_explanation(
        self, info: Info, input: RecordCostExplanationInput
    ) -> RecordCostExplanationPayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.anomaly_id, "CostAnomaly", field="anomalyId")
        await house.explanations.record(actor, asked.tenant_id, asked.id)
        found = await house.anomalies.get(actor, asked.tenant_id, asked.id)
        return RecordCostExplanationPayload(anomaly=cost_anomaly(found))

    @mutation(description="Raise nothing for a while; what is found is kept and marked.")
    async def suppress_cost(self, info: Info, input: SuppressCostInput) -> CostSuppressionPayload:
        command = CreateSuppression(
            decode(input.tenant_id, "Tenant", field="tenantId").tenant_id,
            input.subsystem,
            input.reason,
            _aware(input.starts_at, "startsAt"),
            _aware(input.ends_at, "endsAt"),
        )
        made = await info.context.house.suppressions.create(command, info.context.actor)
        return CostSuppressionPayload(suppression=cost_suppression(made))

    @mutation(description="End a suppression before its time.")
    async def end_cost_suppression(
        self, info: Info, input: EndCostSuppressionInput
    ) -> CostSuppressionPayload:
        asked = decode(input.suppression_id, "CostSuppression", field="suppressionId")
        command = EndSuppression(asked.tenant_id, asked.id, input.reason)
        ended = await info.context.house.suppressions.end(command, info.context.actor)
        return CostSuppressionPayload(suppression=cost_suppression(ended))

    @mutation(
        description="Set thresholds by which only more is found, or ask for looser ones to be approved."
    )
    async def set_cost_thresholds(
        self, info: Info, input: SetCostThresholdsInput
    ) -> SetCostThresholdsPayload:
        house, actor = info.context.house, info.context.actor
        figures = {name: value for name in FIGURES if (value := getattr(input, name)) is not None}
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = SetThresholds(tenant_id, input.subsystem, figures, input.reason, input.expected_revision)
        changed = await house.threshold_changes.change(command, actor)
        held = await house.thresholds.effective(actor, tenant_id)
        asked = changed.approval_id
        return SetCostThresholdsPayload(
            thresholds=[cost_thresholds(each) for each in held],
            approval_request_id=None if asked is None else encode("ApprovalRequest", tenant_id, asked),
        )

    @mutation(description="Set a month's budget, or withdraw it.")
    async def set_cost_budget(self, info: Info, input: SetCostBudgetInput) -> SetCostBudgetPayload:
        house, actor = info.context.house, info.context.actor
        tenant_id = decode(input.tenant_id, "Tenant", field="tenantId").tenant_id
        command = SetBudget(
            tenant_id,
            input.subsystem,
            input.currency,
            input.amount,
            input.from_month,
            input.reason,
            input.expected_revision,
        )
        await house.budgets.set(command, actor)
        standing = await house.budgets.status(actor, tenant_id, input.from_month)
        return SetCostBudgetPayload(budgets=[cost_budget(each) for each in standing])


def _aware(at: datetime, field: str) -> datetime:
    if at.tzinfo is None:
        raise InvalidInput("an instant names its offset, such as Z", field=field)
    return at
