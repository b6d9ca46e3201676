"""Pagers that tell of incidents: how each is set up, what was turned away, and which alarms became none."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import strawberry
from strawberry.scalars import JSON

from schema.context import Info
from schema.enums import described
from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import integrations_model as model
from trust_portal.learning.incidents.alarms import AlarmKind
from trust_portal.learning.incidents.integrating import IntegrationView
from trust_portal.learning.incidents.integrations_model import Integration, RefusedDelivery

described(
    RefusedDelivery,
    "RefusedDelivery",
    "Why a delivery to a pager was turned away.",
    OFF="The pager is turned off here.",
    UNPROVED="It did not prove itself by the secret or token on record.",
    UNREADABLE="It is no delivery of such a pager.",
)
described(
    AlarmKind,
    "AlarmKind",
    "What an alarm says.",
    FIRING="It fires: declares an incident, reopens it, or says it anew.",
    NOTE="A line for the course of its incident.",
    OTHER="Nothing of an incident: what its own type is about is none.",
    PING="Nothing: the pager tries the way.",
    REOPENED="Its incident is not over.",
    RESOLVED="Its incident is over.",
    SEVERITY="How bad its incident is.",
    TRIGGERED="An incident begins.",
)


@strawberry.type(description="An alarm that became no incident, and why.")
class UnmatchedAlarm:
    key: str
    kind: AlarmKind
    why: str
    settled: bool = strawberry.field(
        description="Later rules make no P1 or P2 of it, or somebody said of which incident it was: no gap any more."
    )
    fields: JSON = strawberry.field(description="What rules look at, by dotted path.")
    rules_version: int
    received_at: datetime


@strawberry.type(
    description="Deliveries to a pager, as it is set up now, that were turned away: a gap until it is set anew."
)
class RefusedDeliveries:
    why: RefusedDelivery
    first_at: datetime


@strawberry.type(description="A pager as it was set up once.")
class IncidentIntegrationVersion:
    version: int
    rules: str = strawberry.field(description="YAML, as it was written.")
    enabled: bool
    set_at: datetime
    set_by: str
    reason: str
    receipt_id: strawberry.ID


@strawberry.type(description="A pager whose alarms become incidents, as it is set up now.")
class IncidentIntegration(IncidentIntegrationVersion):
    source: str = strawberry.field(description="Kind and name, as its events bear it.")
    row: strawberry.Private[Integration]

    @strawberry.field(description="Where the pager delivers to.")
    def address(self, info: Info) -> str:
        return f"{info.context.house.settings.base_url}/webhooks/in/{self.row.source}"

    @strawberry.field(description="Everything it ever was, the newest first.")
    async def versions(self, info: Info) -> list[IncidentIntegrationVersion]:
        view = await self._view(info)
        return [IncidentIntegrationVersion(**_version(each)) for each in view.versions]

    @strawberry.field(description="What was turned away since it is set up like that.")
    async def refused(self, info: Info) -> list[RefusedDeliveries]:
        view = await self._view(info)
        return [RefusedDeliveries(why=each.why, first_at=each.first_at) for each in view.refusals]

    async def _view(self, info: Info) -> IntegrationView:
        house = info.context.house
        return await house.incident_integrations.get(info.context.actor, self.row.kind, self.row.name)

    @strawberry.field(
        description="What Alertmanager proves itself by; null for other pagers, and for who may not set this one."
    )
    async def token(self, info: Info) -> str | None:
        return (await self._view(info)).token

    @strawberry.field(description="The latest alarms that no rule fitted.")
    async def unmatched(self, info: Info) -> list[UnmatchedAlarm]:
        return [unmatched_alarm(each) for each in (await self._view(info)).unmatched]


def unmatched_alarm(row: model.UnmatchedAlarm) -> UnmatchedAlarm:
    return UnmatchedAlarm(
        key=row.key,
        kind=AlarmKind(row.kind),
        why=row.why,
        settled=row.settled,
        fields=cast("JSON", dict(row.fields)),
        rules_version=row.version,
        received_at=row.received_at,
    )


def incident_integration(row: Integration) -> IncidentIntegration:
    return IncidentIntegration(source=row.source, row=row, **_version(row))


def _version(row: Integration) -> dict[str, Any]:
    return {
        "version": row.version,
        "rules": row.rules,
        "enabled": row.enabled,
        "set_at": row.at,
        "set_by": row.by,
        "reason": row.reason,
        "receipt_id": encode("Receipt", VENDOR_ID, row.receipt_id),
    }
