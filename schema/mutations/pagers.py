"""Setting pagers up and trying their rules: by the rules of the portal's own form."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.payload import Payload, mutation
from schema.types.pager import IncidentIntegration, incident_integration
from trust_portal.facts.events import AlarmSource
from trust_portal.learning.incidents.integrations_model import SetIntegration
from trust_portal.learning.incidents.mapping import Ignored, Mapped
from trust_portal.learning.incidents.model import Severity

strawberry.enum(AlarmSource, name="PagerKind", description="Kinds of pagers.")


@strawberry.input(description="A pager as it shall be from now on; what it was stays on record.")
class SetIncidentIntegrationInput:
    kind: AlarmSource
    name: str
    rules: str = strawberry.field(description="YAML; the first that fits counts.")
    reason: str
    version: int = strawberry.field(default=0, description="The one it was read at; 0: a new pager.")
    enabled: bool = True
    secret: str | None = strawberry.field(
        default=None, description="What PagerDuty shows; null keeps the one on record. Never read back."
    )
    renew: bool = strawberry.field(
        default=False, description="Another token for Alertmanager; the one before is worth nothing then."
    )


@strawberry.type(description="The pager as it is set up now.")
class SetIncidentIntegrationPayload(Payload):
    integration: IncidentIntegration | None = None


@strawberry.input(description="Rules, and a delivery to try them on. Nothing is told.")
class TryIncidentRulesInput:
    kind: AlarmSource
    rules: str
    body: str = strawberry.field(description="JSON, as the pager sends it.")


@strawberry.type(description="What rules make of a delivery.")
class TriedIncidentRules:
    key: str = strawberry.field(description="Of the incident.")
    tells: str
    rule: int | None = strawberry.field(
        description="The one that fits, from 1. Null: none, or not all it needs."
    )
    severity: Severity | None
    service: str | None
    title: str | None
    owner: str | None
    team: str | None
    tenant_keys: list[str] | None = strawberry.field(
        description="Keys of customers. Null: it may touch every one."
    )
    objective_keys: list[str] | None = strawberry.field(description="Null: it may be all of them.")
    why_none: str | None = strawberry.field(description="Why it becomes no incident.")


@strawberry.type(description="What was tried, or why it could not be.")
class TryIncidentRulesPayload(Payload):
    tried: TriedIncidentRules | None = None


@strawberry.type
class PagerMutations:
    @mutation(description="Set a pager up, or change it.")
    async def set_incident_integration(
        self, info: Info, input: SetIncidentIntegrationInput
    ) -> SetIncidentIntegrationPayload:
        command = SetIntegration(
            input.kind,
            input.name,
            input.rules,
            input.reason,
            enabled=input.enabled,
            version=input.version,
            secret=input.secret,
            renew=input.renew,
        )
        made = await info.context.house.incident_integrations.set(command, info.context.actor)
        return SetIncidentIntegrationPayload(integration=incident_integration(made))

    @mutation(description="Try rules on a delivery before they are set.")
    async def try_incident_rules(self, info: Info, input: TryIncidentRulesInput) -> TryIncidentRulesPayload:
        tried = await info.context.house.incident_integrations.try_rules(
            info.context.actor, input.kind, input.rules, input.body.encode()
        )
        outcome = tried.outcome
        mapped = outcome if isinstance(outcome, Mapped) else None
        found = TriedIncidentRules(
            key=tried.alarm.key,
            tells=tried.alarm.kind.value,
            rule=outcome.rule if isinstance(outcome, Mapped | Ignored) else None,
            severity=None if mapped is None else mapped.severity,
            service=None if mapped is None else mapped.service,
            title=None if mapped is None else mapped.title,
            owner=None if mapped is None else mapped.owner,
            team=None if mapped is None else mapped.team,
            tenant_keys=None if mapped is None or mapped.tenants is None else list(mapped.tenants),
            objective_keys=None if mapped is None or mapped.objectives is None else list(mapped.objectives),
            why_none=None if isinstance(outcome, Mapped) else outcome.why,
        )
        return TryIncidentRulesPayload(tried=found)
