"""Why did cost spike: causes, drivers, links and the course of the cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import strawberry

from trust_portal.cost.explanation.evidence import LinkKind, Strength
from trust_portal.cost.explanation.service import Explanation

strawberry.enum(LinkKind, name="CostLinkKind", description="What kind of thing happened.")
strawberry.enum(Strength, name="CostLinkStrength", description="How well it fits.")


@strawberry.type(description="One dimension and its value.")
class CostDimension:
    name: str
    value: str = strawberry.field(description="Empty: cost without one.")


@strawberry.type(description="A part of the bill that moved as one.")
class CostCause:
    where: list[CostDimension] = strawberry.field(description="Empty: everything alike.")
    contribution: Decimal
    share: float | None = strawberry.field(description="Of the delta; null where that is zero.")
    confidence: float
    expected: Decimal
    actual: Decimal


@strawberry.type(description="One value of one dimension; those of a dimension add up to the delta.")
class CostDriver:
    dimension: str
    value: str
    expected: Decimal
    actual: Decimal
    contribution: Decimal


@strawberry.type(description="A change, operation or adapter that fits, and why.")
class CostLink:
    kind: LinkKind
    key: str
    at: datetime
    strength: Strength
    score: float
    reasons: list[str]
    event_source: str
    event_id: str
    receipt: str | None = strawberry.field(description="The receipt that the event names.")


@strawberry.type(description="An hour of the series; null where there was no sample.")
class CostHour:
    hour: datetime
    cost: Decimal | None
    expected: Decimal | None


@strawberry.type(description="Why an anomaly happened: delta = contributions + unexplained, exactly.")
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


def explanation(row: Explanation) -> CostExplanation:
    return CostExplanation(
        delta=row.attribution.delta,
        causes=[
            CostCause(
                where=_where(each.where),
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
    )


def _where(where: Mapping[str, str]) -> list[CostDimension]:
    return [CostDimension(name=name, value=value) for name, value in where.items()]
