"""Auditors: invite, revoke."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.audit import AuditInvitation, audit_invitation
from trust_portal.access.audits.model import InviteAuditor, RevokeInvitation


@strawberry.input(description="Whom to let in, why, and until when: at most 92 days.")
class InviteAuditorInput:
    tenant_id: strawberry.ID
    email: str
    name: str
    reason: str
    until: datetime


@strawberry.type(description="The invitation and, this once, its link.")
class InviteAuditorPayload(Payload):
    invitation: AuditInvitation | None = None
    url: str | None = None


@strawberry.input(description="The invitation to end, and why.")
class RevokeAuditInvitationInput:
    invitation_id: strawberry.ID
    reason: str


@strawberry.type(description="The invitation as it stands now.")
class RevokeAuditInvitationPayload(Payload):
    invitation: AuditInvitation | None = None


@strawberry.type
class AuditMutations:
    @mutation(description="Invite an auditor. The link works once, by a person who presses a button.")
    async def invite_auditor(self, info: Info, input: InviteAuditorInput) -> InviteAuditorPayload:
        house, actor = info.context.house, info.context.actor
        command = InviteAuditor(
            tenant_id=decode(input.tenant_id, "Tenant", field="tenantId").tenant_id,
            email=input.email,
            name=input.name,
            reason=input.reason,
            until=input.until,
        )
        issued = await house.audit_invitations.invite(command, actor)
        shown = audit_invitation(issued.invitation, house.clock.now())
        return InviteAuditorPayload(invitation=shown, url=issued.url)

    @mutation(description="End an invitation, and the role, sessions and tokens it gave, at once.")
    async def revoke_audit_invitation(
        self, info: Info, input: RevokeAuditInvitationInput
    ) -> RevokeAuditInvitationPayload:
        house, actor = info.context.house, info.context.actor
        found = decode(input.invitation_id, "AuditInvitation", field="invitationId")
        command = RevokeInvitation(found.tenant_id, found.id, input.reason)
        invitation = await house.audit_invitations.revoke(command, actor)
        shown = audit_invitation(invitation, house.clock.now())
        return RevokeAuditInvitationPayload(invitation=shown)
