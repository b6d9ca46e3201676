"""Every event type the door knows, as CloudEvents 1.0 with exactly typed ``data``.

Fields beyond these are welcome and kept (FORMATS: add freely); fields that are here must be right.
What a type cannot say (``good`` is at most ``total``) is in ``rules``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from trust_portal.facts.fields import (
    Amount,
    Buckets,
    Count,
    Currency,
    DecimalText,
    EventId,
    Instant,
    Key,
    Keys,
    Labels,
    LongText,
    Minute,
    Percentage,
    ShortText,
    Source,
)

ADAPTER_OBSERVED: Final = "trustportal.adapter.observed.v1"
CHANGE_DEPLOYED: Final = "trustportal.change.deployed.v1"
CHANGE_FLAG: Final = "trustportal.change.flag.v1"
OPERATION_COMPLETED: Final = "trustportal.operation.completed.v1"
USAGE_RECORDED: Final = "trustportal.usage.recorded.v1"
SLI_MEASURED: Final = "trustportal.sli.measured.v1"
INCIDENT_DECLARED: Final = "trustportal.incident.declared.v1"
INCIDENT_UPDATED: Final = "trustportal.incident.updated.v1"
INCIDENT_MITIGATED: Final = "trustportal.incident.mitigated.v1"
INCIDENT_RESOLVED: Final = "trustportal.incident.resolved.v1"
MAINTENANCE_SCHEDULED: Final = "trustportal.maintenance.scheduled.v1"
MAINTENANCE_CANCELLED: Final = "trustportal.maintenance.cancelled.v1"

#: Acts of people at the portal's own doors. No token may speak for it.
PORTAL: Final = "portal"


class AlarmSource(StrEnum):
    """Kinds of pagers."""

    ALERTMANAGER = "alertmanager"
    PAGERDUTY = "pagerduty"

    @property
    def signs(self) -> bool:
        """Whether it signs what it delivers with a secret of its own; the others bring a token of ours."""
        return self is AlarmSource.PAGERDUTY


#: What the sources of pagers begin with: they deliver at a door of their own, and no token speaks for them.
PAGERS: Final = tuple(f"{kind.value}/" for kind in AlarmSource)

Severity = Literal["P1", "P2", "P3", "P4"]
Subsystem = Literal["compute", "storage", "egress", "adapters"]


class Event(Struct, kw_only=True, gc=False, tag_field="type"):
    """The CloudEvents envelope. ``source`` and ``id`` together are the idempotency key."""

    specversion: Literal["1.0"]
    id: EventId
    source: Source
    time: Instant | None = None
    datacontenttype: Annotated[str, Meta(pattern=r"^application/([^;]+\+)?json *(;.*)?$")] | None = None
    data: Data

    @property
    def type(self) -> str:
        return str(self.__struct_config__.tag)


class Data(Struct, kw_only=True, gc=False, omit_defaults=True):
    """What an event says. Absent and null are the same, also for the digest of the content."""


class TenantData(Data, kw_only=True, gc=False):
    """What belongs to exactly one tenant, named by its external key."""

    tenant: Key


class UsageData(TenantData, kw_only=True, gc=False):
    subsystem: Subsystem
    resource: ShortText
    operation: ShortText
    region: ShortText
    adapter: ShortText | None = None
    quantity: Amount
    unit: ShortText
    cost: DecimalText
    currency: Currency
    labels: Labels | None = None
    correction_of: EventId | None = None


class UsageRecorded(Event, kw_only=True, tag=USAGE_RECORDED):
    """What one tenant used and what it cost; ``time`` is when it was used."""

    time: Instant
    data: UsageData


class SliData(TenantData, kw_only=True, gc=False):
    objective: Key
    total: Count
    good: Count | None = None
    buckets: Buckets | None = None
    correction_of: EventId | None = None


class SliMeasured(Event, kw_only=True, tag=SLI_MEASURED):
    """One minute of one objective; ``time`` is the start of the minute.

    ``good`` is at most ``total`` and may be left out only where ``buckets`` are given.
    """

    time: Minute
    data: SliData


class DeployedData(Data, kw_only=True):
    service: Key
    version: ShortText
    previous: ShortText | None = None
    environment: ShortText
    tenants: Keys | None = None
    by: ShortText


class ChangeDeployed(Event, kw_only=True, tag=CHANGE_DEPLOYED):
    """A version reached an environment; without ``tenants`` it reached all of them."""

    data: DeployedData


FlagValue = str | bool | float | None


class FlagData(Data, kw_only=True):
    flag: Key
    variant: FlagValue
    percentage: Percentage
    previous: FlagValue | dict[str, FlagValue] = None
    tenants: Keys | None = None
    by: ShortText


class ChangeFlag(Event, kw_only=True, tag=CHANGE_FLAG):
    """A feature flag moved; without ``tenants`` it moved for all of them."""

    data: FlagData


class OperationData(TenantData, kw_only=True):
    operation: ShortText
    resource: ShortText
    subsystem: Subsystem
    quantity: Amount
    unit: ShortText
    duration_s: Amount
    initiated_by: ShortText
    receipt: ShortText | None = None


class OperationCompleted(Event, kw_only=True, tag=OPERATION_COMPLETED):
    """A heavy operation ended; ``time`` is when."""

    data: OperationData


class AdapterData(TenantData, kw_only=True, gc=False):
    adapter: Key
    calls: Count
    errors: Count
    retries: Count
    p95_ms: Amount
    bytes: Count


class AdapterObserved(Event, kw_only=True, tag=ADAPTER_OBSERVED):
    """One minute of one adapter's calls; ``time`` is the start of the minute."""

    time: Minute
    data: AdapterData


class IncidentDeclaredData(Data, kw_only=True):
    incident: Key
    severity: Severity
    title: ShortText
    service: Key
    tenants: Keys | None = None
    objectives: Keys | None = None
    began_at: Instant
    detected_at: Instant
    owner: ShortText
    team: ShortText | None = None
    receipt: ShortText | None = None
    by: ShortText | None = None


class IncidentDeclared(Event, kw_only=True, tag=INCIDENT_DECLARED):
    """An incident was declared; without ``tenants`` it may have touched all of them.

    It was not detected before it began.
    """

    data: IncidentDeclaredData


class IncidentUpdatedData(Data, kw_only=True):
    incident: Key
    kind: Literal[
        "note",
        "severity",
        "told_customer",
        "mitigation",
        "merged",
        "unmerged",
        "reopened",
        "affected",
        "owner",
    ]
    text: LongText
    severity: Severity | None = None
    receipt: ShortText | None = None
    key: bool = False
    into: Key | None = None
    tenants: Keys | None = None
    objectives: Keys | None = None
    declared_by: Source | None = None
    into_declared_by: Source | None = None
    adopts: Source | None = None
    owner: ShortText | None = None
    by: ShortText | None = None


class IncidentUpdated(Event, kw_only=True, tag=INCIDENT_UPDATED):
    """An entry in an incident's timeline; a change of severity names the new one, a merger the other incident.

    ``unmerged``: the merger was wrong, and the incident goes on by itself again. Where a P1 or P2 is less by it,
    or by another merger, that is a claim until two approve, like a lower severity.

    ``affected`` says anew whom it touches; without ``tenants`` or ``objectives`` it may be all of them.
    ``owner`` says who owns it from now on.
    ``declared_by`` and ``into_declared_by`` (of the portal only) name the sources that declared the
    incidents, where a key alone may not say which. ``adopts`` (of the portal only) names a source: what it tells
    by this key belongs to this incident, though several were declared by it.
    """

    data: IncidentUpdatedData


class IncidentStepData(Data, kw_only=True):
    incident: Key
    at: Instant
    text: LongText
    declared_by: Source | None = None
    receipt: ShortText | None = None
    by: ShortText | None = None


class IncidentMitigated(Event, kw_only=True, tag=INCIDENT_MITIGATED):
    """Customers stopped being hurt."""

    data: IncidentStepData


class IncidentResolved(Event, kw_only=True, tag=INCIDENT_RESOLVED):
    """The incident is over."""

    data: IncidentStepData


class MaintenanceData(Data, kw_only=True):
    window: Key
    tenants: Keys | None = None
    objectives: Keys | None = None
    start: Instant
    end: Instant
    announced_at: Instant
    reason: LongText


class MaintenanceScheduled(Event, kw_only=True, tag=MAINTENANCE_SCHEDULED):
    """A maintenance window was announced; scheduling it again replaces it."""

    data: MaintenanceData


class CancellationData(Data, kw_only=True):
    window: Key
    tenants: Keys | None = None
    objectives: Keys | None = None
    start: Instant | None = None
    end: Instant | None = None
    announced_at: Instant | None = None
    reason: LongText = ""


class MaintenanceCancelled(Event, kw_only=True, tag=MAINTENANCE_CANCELLED):
    """A maintenance window will not be used; its key alone says which."""

    data: CancellationData


EVENT_TYPES: Final[dict[str, type[Event]]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        AdapterObserved,
        ChangeDeployed,
        ChangeFlag,
        IncidentDeclared,
        IncidentMitigated,
        IncidentResolved,
        IncidentUpdated,
        MaintenanceCancelled,
        MaintenanceScheduled,
        OperationCompleted,
        SliMeasured,
        UsageRecorded,
    )
}

#: The field of ``data`` that says what a fact is about; facts are looked up by it.
SUBJECT_FIELDS: Final[dict[str, str]] = {
    ADAPTER_OBSERVED: "adapter",
    CHANGE_DEPLOYED: "service",
    CHANGE_FLAG: "flag",
    INCIDENT_DECLARED: "incident",
    INCIDENT_MITIGATED: "incident",
    INCIDENT_RESOLVED: "incident",
    INCIDENT_UPDATED: "incident",
    MAINTENANCE_CANCELLED: "window",
    MAINTENANCE_SCHEDULED: "window",
    OPERATION_COMPLETED: "resource",
}
