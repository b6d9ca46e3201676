"""Rows of auditors' invitations in and out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select

from trust_portal.access.audits.model import (
    EndedBy,
    HeldAudit,
    Invitation,
    InvitationAct,
    InvitationEnd,
    InvitationStep,
)
from trust_portal.access.audits.tables import audit_invitation_steps, audit_invitations
from trust_portal.access.credentials import Credential
from trust_portal.access.people.repository import role_in_force
from trust_portal.access.tables import people, role_grants
from trust_portal.errors import Conflict
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.ledger import Receipt
from trust_portal.evidence.links import result_of
from trust_portal.evidence.receipt_rows import receipts_about
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_ENDS: Final = {
    ReceiptKind.PERSON_SUSPENDED: EndedBy.SUSPENDED,
    ReceiptKind.ROLE_GRANTED: EndedBy.ROLE_GIVEN_ANEW,
    ReceiptKind.ROLE_REVOKED: EndedBy.ROLE_TAKEN,
}


async def add_invitation(session: WriteSession, invitation: Invitation, credential: Credential) -> None:
    await session.execute(
        insert(audit_invitations).values(
            tenant_id=invitation.tenant_id,
            id=invitation.id,
            email=invitation.email,
            name=invitation.name,
            reason=invitation.reason,
            until=invitation.until,
            waits_until=invitation.waits_until,
            secret_hash=credential.hash,
            at=invitation.at,
            by_id=invitation.by_id,
            by_name=invitation.by,
            receipt_id=invitation.receipt_id,
        )
    )


async def add_step(session: WriteSession, invitation: Invitation, step: InvitationStep) -> None:
    """``Conflict`` (``ALREADY_DECIDED``) where somebody else was faster."""
    before = invitation.steps[-1] if invitation.steps else None
    faster = Conflict("the invitation was accepted or revoked at this moment", code="ALREADY_DECIDED")
    with duplicates_are(faster, audit_invitation_steps.name):
        await session.execute(
            insert(audit_invitation_steps).values(
                tenant_id=invitation.tenant_id,
                invitation_id=invitation.id,
                ordinal=step.ordinal,
                act=step.act.value,
                previous=None if before is None else before.ordinal,
                previous_act=None if before is None else before.act.value,
                at=step.at,
                by_id=step.by_id,
                by_name=step.by,
                reason=step.reason,
                person_id=step.person_id,
                receipt_id=step.receipt_id,
            )
        )


async def invitation_of(session: ReadSession, credential: Credential) -> Invitation | None:
    """The one whose link holds this secret."""
    row = (
        await session.execute(
            select(audit_invitations).where(
                audit_invitations.c.tenant_id == credential.tenant_id,
                audit_invitations.c.secret_hash == credential.hash,
            )
        )
    ).first()
    return None if row is None else (await _with_steps(session, [_invitation(row)]))[0]


async def find_invitation(session: ReadSession, tenant_id: UUID, invitation_id: UUID) -> Invitation | None:
    row = (
        await session.execute(
            select(audit_invitations).where(
                audit_invitations.c.tenant_id == tenant_id, audit_invitations.c.id == invitation_id
            )
        )
    ).first()
    return None if row is None else (await _with_steps(session, [_invitation(row)]))[0]


async def invitations_page(session: ReadSession, tenant_id: UUID, request: PageRequest) -> Page[Invitation]:
    """Newest first."""
    bare = await keyset_page(
        session,
        select(audit_invitations).where(audit_invitations.c.tenant_id == tenant_id),
        request,
        order=(audit_invitations.c.at, audit_invitations.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=_invitation,
        key=lambda each: (rfc3339(each.at), str(each.id)),
        descending=True,
    )
    return Page(await _with_steps(session, bare.items), bare.cursors, bare.has_next, bare.has_previous)


async def accepted_by(session: ReadSession, tenant_id: UUID, person_id: UUID) -> tuple[Invitation, ...]:
    """The invitations by which somebody came, the last first, whatever became of them."""
    rows = await session.execute(
        select(audit_invitations)
        .join(
            audit_invitation_steps,
            (audit_invitation_steps.c.tenant_id == audit_invitations.c.tenant_id)
            & (audit_invitation_steps.c.invitation_id == audit_invitations.c.id),
        )
        .where(
            audit_invitations.c.tenant_id == tenant_id,
            audit_invitation_steps.c.tenant_id == tenant_id,
            audit_invitation_steps.c.person_id == person_id,
        )
        .order_by(audit_invitation_steps.c.at.desc())
    )
    return await _with_steps(session, [_invitation(row) for row in rows])


async def person_of(session: ReadSession, tenant_id: UUID, email: str) -> tuple[UUID, bool] | None:
    """Who has this address in the tenant, and whether they are active."""
    row = (
        await session.execute(
            select(people.c.id, people.c.active).where(
                people.c.tenant_id == tenant_id, people.c.email == email
            )
        )
    ).first()
    return None if row is None else (row.id, row.active)


async def auditor_until(
    session: ReadSession, tenant_id: UUID, person_id: UUID, at: datetime
) -> datetime | None:
    """When the auditor's role that somebody holds ends; None where they hold none."""
    end: datetime | None = (
        await session.execute(
            select(func.max(role_grants.c.expires_at)).where(
                role_grants.c.tenant_id == tenant_id,
                role_grants.c.person_id == person_id,
                role_grants.c.role == Role.AUDITOR.value,
                role_in_force(at),
            )
        )
    ).scalar()
    return end


async def auditors_at(session: ReadSession, tenant_id: UUID, at: datetime) -> tuple[HeldAudit, ...]:
    """Everybody who is not suspended and holds the auditor's role, however it was granted; by when it ends.

    The invitation is the newest by which they came, which is in force, and whose end is that of the role: a role that
    was given them on People after it is none of the invitation's.
    """
    steps, came = audit_invitation_steps.c, audit_invitation_steps.alias("came")
    revoked = (
        select(steps.invitation_id)
        .where(
            steps.tenant_id == tenant_id,
            steps.invitation_id == came.c.invitation_id,
            steps.act == InvitationAct.REVOKED.value,
        )
        .exists()
    )
    invitation = (
        select(came.c.invitation_id)
        .where(
            came.c.tenant_id == tenant_id,
            came.c.person_id == people.c.id,
            came.c.act == InvitationAct.ACCEPTED.value,
            came.c.at <= role_grants.c.granted_at,
            audit_invitations.c.tenant_id == tenant_id,
            audit_invitations.c.id == came.c.invitation_id,
            audit_invitations.c.until == role_grants.c.expires_at,
            ~revoked,
        )
        .order_by(came.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            people.c.id,
            people.c.name,
            people.c.email,
            role_grants.c.granted_at,
            role_grants.c.expires_at,
            invitation.label("invitation_id"),
        )
        .join(
            role_grants,
            (role_grants.c.tenant_id == people.c.tenant_id) & (role_grants.c.person_id == people.c.id),
        )
        .where(
            people.c.tenant_id == tenant_id,
            people.c.active,
            role_grants.c.tenant_id == tenant_id,
            role_grants.c.role == Role.AUDITOR.value,
            role_in_force(at),
        )
        .order_by(role_grants.c.expires_at, people.c.name, people.c.id)
    )
    rows = found.all()
    let_in = await session.execute(
        select(audit_invitations).where(
            audit_invitations.c.tenant_id == tenant_id,
            audit_invitations.c.id.in_([row.invitation_id for row in rows]),
        )
    )
    invitations = await _with_steps(session, [_invitation(row) for row in let_in])
    in_force = {each.id for each in invitations if each.end is None}
    return tuple(
        HeldAudit(
            row.id,
            row.name,
            row.email,
            row.granted_at,
            row.expires_at,
            row.invitation_id if row.invitation_id in in_force else None,
        )
        for row in rows
    )


async def _with_steps(session: ReadSession, found: Collection[Invitation]) -> tuple[Invitation, ...]:
    if not found:
        return ()
    tenant_id = next(iter(found)).tenant_id
    rows = await session.execute(
        select(audit_invitation_steps)
        .where(
            audit_invitation_steps.c.tenant_id == tenant_id,
            audit_invitation_steps.c.invitation_id.in_([each.id for each in found]),
        )
        .order_by(audit_invitation_steps.c.ordinal)
    )
    steps: dict[UUID, list[InvitationStep]] = defaultdict(list)
    for row in rows:
        steps[row.invitation_id].append(
            InvitationStep(
                ordinal=row.ordinal,
                act=InvitationAct(row.act),
                at=row.at,
                by_id=row.by_id,
                by=row.by_name,
                reason=row.reason,
                receipt_id=row.receipt_id,
                person_id=row.person_id,
            )
        )
    return await _with_ends(
        session, tenant_id, [replace(each, steps=tuple(steps[each.id])) for each in found]
    )


async def _with_ends(
    session: ReadSession, tenant_id: UUID, found: Collection[Invitation]
) -> tuple[Invitation, ...]:
    """What was done on People, or by a review of roles, with those who came: their receipts say so."""
    came = {each.id: step for each in found if (step := each.step(InvitationAct.ACCEPTED)) is not None}
    if not came:
        return tuple(found)
    acts = await receipts_about(
        session,
        tenant_id,
        _ENDS.keys(),
        {f"person/{step.person_id}" for step in came.values()},
        min(step.at for step in came.values()),
    )
    ending = [each for each in acts if _is_of_auditors(each)]
    return tuple(
        replace(each, end=_end_of(came[each.id], each.until, ending)) if each.id in came else each
        for each in found
    )


def _is_of_auditors(receipt: Receipt) -> bool:
    if receipt.kind is ReceiptKind.PERSON_SUSPENDED:
        return True
    return (
        result_of(Statement.parse(Envelope.parse(receipt.envelope).payload)).get("role") == Role.AUDITOR.value
    )


def _end_of(came: InvitationStep, until: datetime, acts: Collection[Receipt]) -> InvitationEnd | None:
    """The first of ``acts`` upon who came, after they came and before their time was over."""
    name = f"person/{came.person_id}"
    for each in acts:
        if each.subjects[0].name == name and came.at < each.at < until:
            return InvitationEnd(_ENDS[each.kind], each.at, each.actor_name, each.id)
    return None


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        id=row.id,
        tenant_id=row.tenant_id,
        email=row.email,
        name=row.name,
        reason=row.reason,
        until=row.until,
        waits_until=row.waits_until,
        at=row.at,
        by_id=row.by_id,
        by=row.by_name,
        receipt_id=row.receipt_id,
    )
