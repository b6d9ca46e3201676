"""A tenant and the lists that belong to it."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import encode
from schema.types.access import AccessEntry, access_entry
from schema.types.approval import ApprovalRequest, approval_request
from schema.types.audit import AuditInvitation, HeldAudit, audit_invitation, held_audit
from schema.types.compliance import ComplianceEvaluation, compliance_evaluation
from schema.types.export import Export, export
from schema.types.maintenance import MaintenanceWindow, maintenance_window
from schema.types.notification import Delivery, Webhook, delivery, webhook
from schema.types.of_tenant import span
from schema.types.person import Person, person
from schema.types.posture import CustomerKey, PostureCheck, customer_key, posture_check
from schema.types.receipt import KindArgument, Receipt, receipt
from schema.types.tenant_cost import CostOfTenant
from schema.types.tenant_incident import (
    Incident,
    IncidentStatement,
    PostmortemCopy,
    incident,
    incident_statement,
    postmortem_copy,
)
from schema.types.tenant_reliability import ReliabilityOfTenant
from schema.types.token import ApiToken, api_token
from schema.types.trust_report import TrustReport, TrustReportPreview, trust_report, trust_report_preview
from schema.work import weighs
from trust_portal.access.access_log.model import AccessFilter, Looker, Verb
from trust_portal.access.action import Action
from trust_portal.access.approvals.inbox import ApprovalFilter, Show
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.policy import Resource
from trust_portal.access.tenants import model
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.log import DeliveryFilter
from trust_portal.notify.model import Channel


@strawberry.type(description="A customer of the vendor, or the vendor itself.")
class Tenant(CostOfTenant, ReliabilityOfTenant):
    name: str
    time_zone: str = strawberry.field(description="IANA name.")
    residency: str
    onboarded_at: datetime
    offboarded_at: datetime | None

    @strawberry.field(description="Whether the caller may do an action here, by its name.")
    def viewer_can(self, info: Info, action: str) -> bool:
        try:
            asked = Action(action)
        except ValueError:
            return False
        return info.context.house.gate.allows(info.context.actor, asked, Resource("tenant", self.uuid))

    @strawberry.field(description="Where systems are told, the disabled ones too.")
    async def webhooks(self, info: Info) -> list[Webhook]:
        found = await info.context.house.endpoints.of_tenant(info.context.actor, self.uuid)
        return [webhook(each) for each in found]

    @paged(description="Mail and webhooks that were sent or tried, newest first.")
    async def deliveries(
        self, info: Info, paging: PageRequest, channel: Channel | None = None, given_up: bool = False
    ) -> Connection[Delivery]:
        wanted = DeliveryFilter(self.uuid, channel=channel, given_up=given_up)
        return connection(
            await info.context.house.delivery_log.page(info.context.actor, wanted, paging), delivery
        )

    @paged(description="People who can sign in here.")
    async def people(self, info: Info, paging: PageRequest) -> Connection[Person]:
        house, actor = info.context.house, info.context.actor
        return connection(await house.people.page(actor, self.uuid, paging), person)

    @paged(description="API tokens, newest first, spent ones too.")
    async def tokens(self, info: Info, paging: PageRequest) -> Connection[ApiToken]:
        house, actor = info.context.house, info.context.actor
        return connection(await house.tokens.page(actor, self.uuid, paging), api_token)

    @strawberry.field(
        description="Everybody who reads as an auditor now, however that was granted; who leaves first, first."
    )
    async def auditors(self, info: Info) -> list[HeldAudit]:
        found = await info.context.house.audits_in_force.now(info.context.actor, self.uuid)
        return [held_audit(each, self.uuid) for each in found]

    @paged(description="Auditors who were invited, newest first.")
    async def audit_invitations(self, info: Info, paging: PageRequest) -> Connection[AuditInvitation]:
        house, actor = info.context.house, info.context.actor
        page = await house.audit_invitations.page(actor, self.uuid, paging)
        return connection(page, lambda each: audit_invitation(each, house.clock.now()))

    @paged(description="Who looked at this tenant's things, newest first.")
    async def access_log(
        self, info: Info, paging: PageRequest, by: Looker | None = None, verb: Verb | None = None
    ) -> Connection[AccessEntry]:
        house, actor = info.context.house, info.context.actor
        return connection(
            await house.access_log.page(actor, self.uuid, paging, AccessFilter(by, verb)),
            access_entry,
        )

    @paged(description="Requests for approval about this tenant, newest first.")
    async def approval_requests(
        self, info: Info, paging: PageRequest, show: Show = Show.ALL, kind: ApprovalKind | None = None
    ) -> Connection[ApprovalRequest]:
        page = await info.context.house.approval_inbox.page(
            info.context.actor,
            ApprovalFilter(self.uuid, show, kind),
            paging,
        )
        return connection(page, approval_request)

    @paged(description="Receipts, newest first.")
    async def receipts(
        self, info: Info, paging: PageRequest, kind: KindArgument = None
    ) -> Connection[Receipt]:
        house, actor = info.context.house, info.context.actor
        page = await house.archive.receipts(actor, self.uuid, paging, kind)
        return connection(page, receipt)

    @strawberry.field(description="The newest of each check of posture that was ever made.")
    async def posture(self, info: Info) -> list[PostureCheck]:
        view = await info.context.house.posture.view(info.context.actor, self.uuid)
        return [posture_check(each, view.overtaken.get(each.finding.check)) for each in view.latest]

    @paged(description="Every check of posture that was ever made, newest first.")
    async def posture_history(self, info: Info, paging: PageRequest) -> Connection[PostureCheck]:
        house, actor = info.context.house, info.context.actor
        page = await house.posture.history(actor, self.uuid, paging)
        return connection(page, posture_check)

    @strawberry.field(description="What was done about the customer's own key, newest first.")
    async def customer_keys(self, info: Info) -> list[CustomerKey]:
        acts = await info.context.house.customer_keys.history(info.context.actor, self.uuid)
        return [customer_key(each) for each in acts]

    @strawberry.field(description="What a verifier pins to believe this tenant's log: a C2SP tlog-policy.")
    async def trust_policy(self, info: Info) -> str:
        return await info.context.house.archive.trust_policy(info.context.actor, self.uuid)

    @paged(description="Published Trust Reports, newest first.")
    async def trust_reports(self, info: Info, paging: PageRequest) -> Connection[TrustReport]:
        page = await info.context.house.trust_reports.page(info.context.actor, self.uuid, paging)
        return connection(page, lambda each: trust_report(each, self.key))

    @paged(description="Every evaluation of its controls, newest first.")
    async def compliance_evaluations(
        self, info: Info, paging: PageRequest
    ) -> Connection[ComplianceEvaluation]:
        page = await info.context.house.compliance.history(info.context.actor, self.uuid, paging)
        return connection(page, compliance_evaluation)

    @strawberry.field(
        description="What the Trust Report of a period would say now; for those who may publish.",
        metadata=weighs(300),
    )
    async def trust_report_preview(self, info: Info, period: str) -> TrustReportPreview:
        house = info.context.house
        return trust_report_preview(await house.trust_reports.preview(info.context.actor, self.uuid, period))

    @paged(description="Exports, newest first, unfinished ones too.")
    async def exports(self, info: Info, paging: PageRequest) -> Connection[Export]:
        house, actor = info.context.house, info.context.actor
        page = await house.archive.exports(actor, self.uuid, paging)
        return connection(page, lambda row: export(row, self.key))

    @strawberry.field(
        description="Where a signed-in browser or a bearer token fetches the newest bundle with one digit changed, which "
        "no verifier may accept; null while there is no bundle, or the tenant has withdrawn its key, and for those who may "
        "not download one."
    )
    async def broken_example_url(self, info: Info) -> str | None:
        house = info.context.house
        if not await house.archive.has_broken_example(info.context.actor, self.uuid):
            return None
        return f"{house.settings.base_url}/t/{quote(self.key)}/check/broken.zip"

    @strawberry.field(description="Incidents under way between two instants, newest first; at most a year.")
    async def incidents(self, info: Info, since: datetime, until: datetime) -> list[Incident]:
        found = await info.context.house.customer_incidents.of_tenant(
            info.context.actor, self.uuid, *span(since, until)
        )
        return [incident(each, self.uuid, self.key) for each in found.incidents]

    @strawberry.field(
        description="What touched the tenant between two instants, as a statement that also says: nothing, as of then; "
        "at most a year."
    )
    async def incident_statement(self, info: Info, since: datetime, until: datetime) -> IncidentStatement:
        found = await info.context.house.customer_incidents.of_tenant(
            info.context.actor, self.uuid, *span(since, until)
        )
        return incident_statement(found, self.uuid, self.key)

    @strawberry.field(description="Postmortems that were released to the tenant, the latest first.")
    async def postmortems(self, info: Info) -> list[PostmortemCopy]:
        found = await info.context.house.postmortem_copies.list(info.context.actor, self.uuid)
        return [postmortem_copy(each.copy, each.export, each.superseded_by, self.key) for each in found]

    @strawberry.field(
        description="Maintenance windows that touch the span, newest first, cancelled ones too; at most a year."
    )
    async def maintenance(self, info: Info, since: datetime, until: datetime) -> list[MaintenanceWindow]:
        found = await info.context.house.operations.maintenance(
            info.context.actor, self.uuid, *span(since, until)
        )
        return [maintenance_window(each) for each in found]


def tenant(row: model.Tenant) -> Tenant:
    return Tenant(
        id=encode("Tenant", row.id, row.id),
        key=row.key,
        name=row.name,
        time_zone=row.time_zone,
        residency=row.residency,
        onboarded_at=row.onboarded_at,
        offboarded_at=row.offboarded_at,
        uuid=row.id,
    )
