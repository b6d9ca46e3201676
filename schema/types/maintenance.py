"""Maintenance that was announced to a customer."""

from __future__ import annotations

from datetime import datetime

import strawberry

from trust_portal.facts import operations_model as model


@strawberry.type(description="An announced window. Whether it excludes minutes is the contract's affair.")
class MaintenanceWindow:
    key: str
    start: datetime
    end: datetime
    announced_at: datetime
    reason: str
    objective_keys: list[str] | None = strawberry.field(description="Null: all of them.")
    cancelled_at: datetime | None


def maintenance_window(row: model.MaintenanceWindow) -> MaintenanceWindow:
    return MaintenanceWindow(
        key=row.key,
        start=row.start,
        end=row.end,
        announced_at=row.announced_at,
        reason=row.reason,
        objective_keys=None if row.objectives is None else list(row.objectives),
        cancelled_at=row.cancelled_at,
    )
