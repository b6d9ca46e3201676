"""Everything that can be asked. A resolver parses, asks one service, and shapes the answer."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import Node, decode
from schema.node import find
from schema.queries.compliance import ComplianceQueries
from schema.queries.incidents import IncidentQueries
from schema.queries.postmortems import PostmortemQueries
from schema.queries.prevention import PreventionQueries
from schema.queries.qbrs import QbrQueries
from schema.queries.trust_notes import TrustNoteQueries
from schema.types import break_glass as glass
from schema.types.approval import ApprovalRequest, approval_request
from schema.types.cost import CostAnomaly, CostKpis, cost_anomaly, cost_kpis
from schema.types.forecast import CreditForecastFlag, credit_forecast_flag
from schema.types.key import SigningKey, signing_keys
from schema.types.notification import (
    Notification,
    NotificationPreference,
    notification,
    preferences,
)
from schema.types.playbook import (
    KillSwitch,
    PlaybookRun,
    PlaybookStanding,
    kill_switch,
    playbook_run,
    playbook_standings,
)
from schema.types.run import SlaRun, sla_run
from schema.types.tenant import Tenant, tenant
from schema.types.trust_batch import TrustBatch, trust_batch
from trust_portal.access.action import TokenScope
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.cost.remediation.model import RunFilter, RunState
from trust_portal.errors import NotFound
from trust_portal.kernel.actor import ActorKind, Role
from trust_portal.kernel.page import PageRequest


@strawberry.type(description="Who is asking.")
class Viewer:
    name: str
    kind: ActorKind
    staff: bool
    roles: list[Role]
    scopes: list[TokenScope] = strawberry.field(description="Of a token; a person has none.")

    @strawberry.field(description="The caller's own tenant; for staff, the vendor.")
    async def tenant(self, info: Info) -> Tenant:
        actor = info.context.actor
        return tenant(await info.context.house.tenants.get(actor, actor.tenant_id))


@strawberry.type(description="Versions of the policies, as receipts name them.")
class PolicyVersions:
    in_force: str = strawberry.field(description="Decides now.")
    shipped: str = strawberry.field(description="Came with this version of the portal.")
    waiting: bool = strawberry.field(description="True while the shipped one is not approved.")


@strawberry.type(description="Reads. Nothing here changes anything but the access logs.")
class Query(
    ComplianceQueries, IncidentQueries, PostmortemQueries, PreventionQueries, QbrQueries, TrustNoteQueries
):
    @strawberry.field(description="The caller.")
    def viewer(self, info: Info) -> Viewer:
        actor = info.context.actor
        return Viewer(
            name=actor.name,
            kind=actor.kind,
            staff=actor.is_staff,
            roles=sorted(actor.roles),
            scopes=[TokenScope(each) for each in sorted(actor.scopes)],
        )

    @strawberry.field(description="What time it is for the portal: it takes no event that is ahead of it.")
    def now(self, info: Info) -> datetime:
        return info.context.house.clock.now()

    @strawberry.field(description="Anything by its global id; null for what is not there for the caller.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        return await find(info.context, id)

    @strawberry.field(description="A tenant by its key; to a customer only its own exists.")
    async def tenant(self, info: Info, key: str) -> Tenant | None:
        house, actor = info.context.house, info.context.actor
        return tenant(await house.tenants.by_key(actor, key, purpose="GraphQL"))

    @strawberry.field(description="Every key that signs here or ever did, by purpose, those in force first.")
    async def signing_keys(self, info: Info) -> list[SigningKey]:
        return signing_keys(await info.context.house.key_rotations.keys(info.context.actor))

    @paged(description="What the caller was told, newest first.")
    async def notifications(self, info: Info, paging: PageRequest) -> Connection[Notification]:
        return connection(await info.context.house.inbox.page(info.context.actor, paging), notification)

    @strawberry.field(description="How many of them are not read.")
    async def unread_notifications(self, info: Info) -> int:
        return await info.context.house.inbox.unread(info.context.actor)

    @strawberry.field(description="What concerns the caller, and whether it is mailed.")
    async def notification_preferences(self, info: Info) -> list[NotificationPreference]:
        return preferences(await info.context.house.inbox.mailed(info.context.actor))

    @strawberry.field(description="By which policies the portal decides.")
    async def policies(self, info: Info) -> PolicyVersions:
        house = info.context.house
        await house.policies.read(info.context.actor)
        return PolicyVersions(
            in_force=house.gate.policies.version,
            shipped=house.policies.shipped.version,
            waiting=house.policies.waiting,
        )

    @paged(description="All customers by key, for staff.")
    async def tenants(self, info: Info, paging: PageRequest) -> Connection[Tenant]:
        page = await info.context.house.tenants.page(info.context.actor, paging, purpose="GraphQL")
        return connection(page, tenant)

    @paged(description="Requests for approval of all tenants, newest first, for staff.")
    async def approval_requests(
        self, info: Info, paging: PageRequest, show: Show = Show.ALL, kind: ApprovalKind | None = None
    ) -> Connection[ApprovalRequest]:
        page = await info.context.house.approval_inbox.page(
            info.context.actor,
            ApprovalFilter(show=show, kind=kind),
            paging,
        )
        return connection(page, approval_request)

    @paged(description="Emergency access, newest first; without a tenant of every tenant, for staff.")
    async def break_glass(
        self, info: Info, paging: PageRequest, tenant_id: strawberry.ID | None = None
    ) -> Connection[glass.BreakGlass]:
        house = info.context.house
        of = None if tenant_id is None else decode(tenant_id, "Tenant", field="tenantId").tenant_id
        page = await house.break_glass.page(info.context.actor, of, paging)
        return connection(page, lambda each: glass.break_glass(each, house.clock.now()))

    @strawberry.field(description="One emergency access with all that was done under it.")
    async def break_glass_record(self, info: Info, id: strawberry.ID) -> glass.BreakGlassRecord | None:
        house, asked = info.context.house, decode(id, "BreakGlass")
        found, record = await house.break_glass.get(info.context.actor, asked.tenant_id, asked.id)
        return glass.break_glass_record(found, record, house.clock.now())

    @strawberry.field(description="Whether the credit forecast is on; null: nobody has switched it yet.")
    async def credit_forecast_flag(self, info: Info) -> CreditForecastFlag | None:
        found = await info.context.house.forecasts.flag(info.context.actor)
        return None if found is None else credit_forecast_flag(found)

    @strawberry.field(description="A cost anomaly by its global id, with its explanation.")
    async def cost_anomaly(self, info: Info, id: strawberry.ID) -> CostAnomaly | None:
        asked = decode(id, "CostAnomaly")
        house, actor = info.context.house, info.context.actor
        return cost_anomaly(await house.anomalies.get(actor, asked.tenant_id, asked.id))

    @paged(description="Runs of playbooks, newest first; without a tenant of all, for staff.")
    async def playbook_runs(
        self,
        info: Info,
        paging: PageRequest,
        tenant_id: strawberry.ID | None = None,
        anomaly_id: strawberry.ID | None = None,
        playbook: str | None = None,
        state: RunState | None = None,
    ) -> Connection[PlaybookRun]:
        tenant = None if tenant_id is None else decode(tenant_id, "Tenant", field="tenantId").tenant_id
        about = None
        if anomaly_id is not None:
            named = decode(anomaly_id, "CostAnomaly", field="anomalyId")
            if tenant not in {None, named.tenant_id}:
                raise NotFound("CostAnomaly", field="anomalyId")
            tenant, about = named.tenant_id, named.id
        page = await info.context.house.playbook_runs.page(
            info.context.actor,
            RunFilter(tenant, about, playbook, state),
            paging,
        )
        return connection(page, playbook_run)

    @strawberry.field(
        description="The playbooks: mode, limits, what cools down and what stops them, for staff."
        " Of one tenant with its own switch and targets."
    )
    async def playbook_standings(
        self, info: Info, tenant_id: strawberry.ID | None = None
    ) -> list[PlaybookStanding]:
        tenant = None if tenant_id is None else decode(tenant_id, "Tenant", field="tenantId").tenant_id
        return playbook_standings(await info.context.house.playbook_runs.standing(info.context.actor, tenant))

    @strawberry.field(description="The kill switches that are on, the widest first, for staff.")
    async def kill_switches(self, info: Info) -> list[KillSwitch]:
        found = await info.context.house.kill_switches.in_force(info.context.actor)
        return [kill_switch(each) for each in found]

    @strawberry.field(description="Whether the cost loop works over all tenants, for staff.")
    async def cost_kpis(self, info: Info) -> CostKpis:
        return cost_kpis(await info.context.house.cost_kpis.overall(info.context.actor))

    @strawberry.field(description="The latest monthly runs, newest first, for staff.")
    async def sla_runs(self, info: Info) -> list[SlaRun]:
        return [sla_run(each) for each in await info.context.house.runs.newest(info.context.actor)]

    @strawberry.field(description="The latest batches of Trust Reports, newest first, for staff.")
    async def trust_batches(self, info: Info) -> list[TrustBatch]:
        return [
            trust_batch(each) for each in await info.context.house.trust_batches.newest(info.context.actor)
        ]

    @strawberry.field(description="The batch of Trust Reports of a period; null where none was started.")
    async def trust_batch(self, info: Info, period: str) -> TrustBatch | None:
        try:
            found = await info.context.house.trust_batches.tally(info.context.actor, period)
        except NotFound:
            return None
        return trust_batch(found.batch)

    @strawberry.field(description="One period's run, for staff; null where none was started.")
    async def sla_run(self, info: Info, period: str) -> SlaRun | None:
        try:
            return sla_run((await info.context.house.runs.progress(info.context.actor, period)).run)
        except NotFound:
            return None
