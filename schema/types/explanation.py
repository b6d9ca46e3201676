"""Why did cost spike: causes, drivers, links and the course of the cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import cast

import strawberry
from strawberry.scalars import JSON

from schema.context import Info
from schema.types.named import NamedValue, NamedValueInput, named_values
from schema.work import weighs
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.explanation.evidence import LinkKind, Strength
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.cost.explanation.origins import Figure, FindOrigins, Origins
from trust_portal.cost.explanation.reported import FindReported

strawberry.enum(LinkKind, name="CostLinkKind", description="What kind of thing happened.")
strawberry.enum(Strength, name="CostLinkStrength", description="How well it fits.")
strawberry.enum(Figure, name="CostFigure", description="Which kind of figure is opened.")


@strawberry.type(
    description="A part of the bill that moved as one; amounts in major units of the anomaly's currency."
)
class CostCause:
    where: list[NamedValue] = strawberry.field(description="Empty: everything alike.")
    contribution: Decimal
    share: float | None = strawberry.field(
        description="Of the delta, 1 for all of it, below 0 against it; null where that is zero."
    )
    confidence: float = strawberry.field(
        description="From 0 to 1: how sure it is, times how far the part moved as one."
    )
    expected: Decimal
    actual: Decimal


@strawberry.type(
    description="One value of one dimension; those of a dimension add up to the delta. Amounts in major units of the anomaly's currency."
)
class CostDriver:
    dimension: str
    value: str
    expected: Decimal
    actual: Decimal
    contribution: Decimal


@strawberry.type(
    description="One usage event as it was delivered; its cost in major units of the anomaly's currency."
)
class CostUsageEvent:
    time: datetime
    resource: str
    operation: str
    region: str
    adapter: str | None
    labels: list[NamedValue]
    quantity: Decimal = strawberry.field(description="In the unit beside it.")
    unit: str
    cost: Decimal
    source: str
    event_id: str
    correction_of: str | None


@strawberry.type(
    description="The events behind a figure, in major units of the anomaly's currency; what a correction replaced does not count."
)
class CostOrigins:
    total: int = strawberry.field(description="How many events there are.")
    cost: Decimal = strawberry.field(description="Of all of them: the figure, exactly.")
    replaced: int = strawberry.field(description="How many events a correction replaced.")
    events: list[CostUsageEvent] = strawberry.field(description="The dearest first, at most a hundred.")


@strawberry.type(description="An event that a link refers to.")
class CostReportedEvent:
    time: datetime
    source: str
    event_id: str
    fields: JSON
    others: int | None = strawberry.field(description="How many other tenants it reached; null: all.")


@strawberry.type(description="A change, operation or adapter that fits, and why.")
class CostLink:
    kind: LinkKind
    key: str
    at: datetime
    strength: Strength
    score: float = strawberry.field(
        description="From 0 to 1, by which links are told apart: 0.6 is strong, 0.35 moderate."
    )
    reasons: list[str]
    event_source: str
    event_id: str
    receipt: str | None = strawberry.field(description="The receipt that the event names.")


@strawberry.type(
    description="An hour of the series, in major units of the anomaly's currency; null where there was no sample."
)
class CostHour:
    hour: datetime
    cost: Decimal | None
    expected: Decimal | None


@strawberry.type(
    description="Why an anomaly happened: delta = contributions + unexplained, exactly, in major units of the anomaly's currency."
)
class CostExplanation:
    delta: Decimal
    causes: list[CostCause]
    unexplained: Decimal
    drivers: list[CostDriver]
    links: list[CostLink]
    timeline: list[CostHour]
    comparable: list[datetime] = strawberry.field(
        description="Starts of the spans that say how cost used to split."
    )
    anomaly: strawberry.Private[CostAnomaly]

    @strawberry.field(
        description="The usage events behind a figure, or those of the comparable hours.",
        metadata=weighs(100),
    )
    async def origins(
        self,
        info: Info,
        figure: Figure = Figure.PART,
        where: list[NamedValueInput] | None = None,
        comparable: bool = False,
    ) -> CostOrigins:
        named = {each.name: each.value for each in where or ()}
        query = FindOrigins(self.anomaly.tenant_id, self.anomaly.id, figure, named, comparable)
        found = await info.context.house.explanations.origins(info.context.actor, query)
        return _origins(found)

    @strawberry.field(
        description="The event that a link names; of an adapter its most troubled observations.",
        metadata=weighs(100),
    )
    async def reported(self, info: Info, source: str, event_id: str) -> list[CostReportedEvent]:
        query = FindReported(self.anomaly.tenant_id, self.anomaly.id, source, event_id)
        found = await info.context.house.explanations.reported(info.context.actor, query)
        return [
            CostReportedEvent(
                time=each.time,
                source=each.source,
                event_id=each.event_id,
                fields=cast("JSON", dict(each.fields)),
                others=each.others,
            )
            for each in found.events
        ]


def explanation(row: Explanation) -> CostExplanation:
    return CostExplanation(
        delta=row.attribution.delta,
        causes=[
            CostCause(
                where=named_values(each.where),
                contribution=each.contribution,
                share=each.share,
                confidence=each.confidence,
                expected=each.expected,
                actual=each.actual,
            )
            for each in row.attribution.causes
        ],
        unexplained=row.attribution.unexplained,
        drivers=[
            CostDriver(
                dimension=each.dimension,
                value=each.value,
                expected=each.expected,
                actual=each.actual,
                contribution=each.contribution,
            )
            for each in row.drivers
        ],
        links=[
            CostLink(
                kind=each.kind,
                key=each.key,
                at=each.at,
                strength=each.strength,
                score=each.score,
                reasons=list(each.reasons),
                event_source=each.reference.source,
                event_id=each.reference.event_id,
                receipt=each.reference.receipt,
            )
            for each in row.links
        ],
        timeline=[CostHour(hour=each.hour, cost=each.cost, expected=each.expected) for each in row.timeline],
        comparable=list(row.comparable),
        anomaly=row.anomaly,
    )


def _origins(found: Origins) -> CostOrigins:
    return CostOrigins(
        total=found.total,
        cost=found.cost,
        replaced=found.replaced,
        events=[
            CostUsageEvent(
                time=each.time,
                resource=each.resource,
                operation=each.operation,
                region=each.region,
                adapter=each.adapter,
                labels=named_values(each.labels),
                quantity=each.quantity,
                unit=each.unit,
                cost=each.cost,
                source=each.source,
                event_id=each.event_id,
                correction_of=each.correction_of,
            )
            for each in found.events
        ],
    )
