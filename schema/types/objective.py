"""Objectives: what measurements and contracts name."""

from __future__ import annotations

from datetime import datetime

import strawberry

from trust_portal.reliability.objectives import model

strawberry.enum(
    model.ObjectiveKind, name="ObjectiveKind", description="What of the measurements counts as good."
)


@strawberry.type(description="An objective as it holds for the tenant.")
class Objective:
    key: str
    kind: model.ObjectiveKind
    title: str
    threshold: str | None = strawberry.field(description="Seconds, inclusive; only latency has one.")
    revision: int
    recorded_at: datetime


def objective(row: model.Objective) -> Objective:
    return Objective(
        key=row.key,
        kind=row.definition.kind,
        title=row.definition.title,
        threshold=row.definition.threshold,
        revision=row.revision,
        recorded_at=row.recorded_at,
    )
