"""What the vendor told of its operation: incidents and maintenance."""

from __future__ import annotations

from datetime import datetime

import strawberry

from trust_portal.facts import operations_model as model


@strawberry.type(description="One line of an incident's course.")
class IncidentEntry:
    at: datetime
    kind: str = strawberry.field(
        description="note, severity, told_customer, mitigation, mitigated or resolved"
    )
    text: str
    severity: str | None


@strawberry.type(description="An incident that concerns the tenant, as last known.")
class Incident:
    key: str
    severity: str
    declared_severity: str = strawberry.field(description="Stays, whatever the severity was changed to.")
    title: str
    service: str
    objectives: list[str] | None = strawberry.field(description="Null: all of them.")
    began_at: datetime
    detected_at: datetime
    declared_at: datetime
    mitigated_at: datetime | None
    resolved_at: datetime | None
    timeline: list[IncidentEntry] = strawberry.field(description="In the order of what happened.")


@strawberry.type(description="An announced window. Whether it excludes minutes is the contract's affair.")
class MaintenanceWindow:
    key: str
    start: datetime
    end: datetime
    announced_at: datetime
    reason: str
    objectives: list[str] | None = strawberry.field(description="Null: all of them.")
    cancelled_at: datetime | None


def incident(row: model.Incident) -> Incident:
    return Incident(
        key=row.key,
        severity=row.severity,
        declared_severity=row.declared_severity,
        title=row.title,
        service=row.service,
        objectives=None if row.objectives is None else list(row.objectives),
        began_at=row.began_at,
        detected_at=row.detected_at,
        declared_at=row.declared_at,
        mitigated_at=row.mitigated_at,
        resolved_at=row.resolved_at,
        timeline=[
            IncidentEntry(at=each.at, kind=each.kind, text=each.text, severity=each.severity)
            for each in row.timeline
        ],
    )


def maintenance_window(row: model.MaintenanceWindow) -> MaintenanceWindow:
    return MaintenanceWindow(
        key=row.key,
        start=row.start,
        end=row.end,
        announced_at=row.announced_at,
        reason=row.reason,
        objectives=None if row.objectives is None else list(row.objectives),
        cancelled_at=row.cancelled_at,
    )
