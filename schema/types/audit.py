"""Auditors from outside: who was let in, by whom, why and until when. A link is only ever in one answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from schema.ids import Node, encode
from trust_portal.access.audits import model

strawberry.enum(model.InvitationState, name="AuditInvitationState", description="Where an invitation stands.")
strawberry.enum(
    model.EndedBy,
    name="AuditInvitationEndedBy",
    description="What else than its term or its revocation ended an invitation.",
)
strawberry.enum(
    model.InvitationAct, name="AuditInvitationAct", description="What was done with an invitation."
)


@strawberry.type(description="What was done with an invitation, and the receipt it left.")
class AuditInvitationStep:
    act: model.InvitationAct
    at: datetime
    by: str
    reason: str | None = strawberry.field(description="Of a revocation.")
    receipt_id: strawberry.ID


@strawberry.type(
    description="That somebody who came by an invitation was put out before its time was over, and not by revoking it."
)
class AuditInvitationEnd:
    how: model.EndedBy
    at: datetime
    by: str
    receipt_id: strawberry.ID = strawberry.field(description="Of the act that ended it.")


@strawberry.type(description="Somebody from outside was invited to read one tenant's evidence for a time.")
class AuditInvitation(Node):
    name: str
    email: str
    reason: str
    state: model.InvitationState
    until: datetime = strawberry.field(description="When the audit ends, and the role with it.")
    waits_until: datetime = strawberry.field(description="When the link ends if nobody comes.")
    at: datetime
    by: str
    receipt_id: strawberry.ID
    steps: list[AuditInvitationStep]
    end: AuditInvitationEnd | None = strawberry.field(
        description="What ended it before its time, by the role or the person; null where nothing did, and of a revocation."
    )


@strawberry.type(description="Somebody who reads one tenant's evidence as an auditor now.")
class HeldAudit:
    person_id: strawberry.ID
    name: str
    email: str
    since: datetime
    until: datetime = strawberry.field(description="When the role ends.")
    invitation_id: strawberry.ID | None = strawberry.field(
        description="The invitation by which they came; null: the role was given them."
    )


def held_audit(row: model.HeldAudit, tenant_id: UUID) -> HeldAudit:
    return HeldAudit(
        person_id=encode("Person", tenant_id, row.person_id),
        name=row.name,
        email=row.email,
        since=row.since,
        until=row.until,
        invitation_id=None
        if row.invitation_id is None
        else encode("AuditInvitation", tenant_id, row.invitation_id),
    )


def audit_invitation(row: model.Invitation, now: datetime) -> AuditInvitation:
    return AuditInvitation(
        id=encode("AuditInvitation", row.tenant_id, row.id),
        name=row.name,
        email=row.email,
        reason=row.reason,
        state=row.state(now),
        until=row.until,
        waits_until=row.waits_until,
        at=row.at,
        by=row.by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
        steps=[
            AuditInvitationStep(
                act=each.act,
                at=each.at,
                by=each.by,
                reason=each.reason,
                receipt_id=encode("Receipt", row.tenant_id, each.receipt_id),
            )
            for each in row.steps
        ],
        end=None
        if row.end is None or row.state(now) is not model.InvitationState.ENDED
        else AuditInvitationEnd(
            how=row.end.how,
            at=row.end.at,
            by=row.end.by,
            receipt_id=encode("Receipt", row.tenant_id, row.end.receipt_id),
        ),
    )
