"""Auditors: invite, revoke."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import OF_THE_REQUEST, UserError, user_error
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
class InviteAuditorPayload:
    invitation: AuditInvitation | None
    url: str | None
    user_errors: list[UserError]


@strawberry.input(description="The invitation to end, and why.")
class RevokeAuditInvitationInput:
    id: strawberry.ID
    reason: str


@strawberry.type(description="The invitation as it stands now.")
class RevokeAuditInvitationPayload:
    invitation: AuditInvitation | None
    user_errors: list[UserError]


@strawberry.type
class AuditMutations:
    @strawberry.mutation(
        description="Invite an auditor. The link works once, by a person who presses a button."
    )
    async def invite_auditor(self, info: Info, input: InviteAuditorInput) -> InviteAuditorPayload:
        house, actor = info.context.house, info.context.actor
        try:
            command = InviteAuditor(
                tenant_id=decode(input.tenant_id, "Tenant", field="tenantId").tenant_id,
                email=input.email,
                name=input.name,
                reason=input.reason,
                until=input.until,
            )
            issued = await house.audit_invitations.invite(command, actor)
        except OF_THE_REQUEST as refusal:
            return InviteAuditorPayload(invitation=None, url=None, user_errors=[user_error(refusal)])
        shown = audit_invitation(issued.invitation, house.clock.now())
        return InviteAuditorPayload(invitation=shown, url=issued.url, user_errors=[])

    @strawberry.mutation(description="End an invitation, and the role, sessions and tokens it gave, at once.")
    async def revoke_audit_invitation(
        self, info: Info, input: RevokeAuditInvitationInput
    ) -> RevokeAuditInvitationPayload:
        house, actor = info.context.house, info.context.actor
        try:
            found = decode(input.id, "AuditInvitation")
            command = RevokeInvitation(found.tenant_id, found.id, input.reason)
            invitation = await house.audit_invitations.revoke(command, actor)
        except OF_THE_REQUEST as refusal:
            return RevokeAuditInvitationPayload(invitation=None, user_errors=[user_error(refusal)])
        shown = audit_invitation(invitation, house.clock.now())
        return RevokeAuditInvitationPayload(invitation=shown, user_errors=[])
