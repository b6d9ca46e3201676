"""Inviting an auditor, coming in by an invitation, and ending it.

As with sign-in links, only a POST spends an invitation: mail scanners follow links with GET.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.audits import repository
from trust_portal.access.audits.model import (
    NOUN,
    WAITS,
    Invitation,
    InvitationAct,
    InvitationState,
    InvitationStep,
    InviteAuditor,
    IssuedInvitation,
    RevokeInvitation,
)
from trust_portal.access.credentials import Credential, new_cookie, parse_cookie
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import GrantRole, Person
from trust_portal.access.people.repository import (
    find_active_person,
    insert_grant,
    insert_person,
    revoke_grant,
    roles_in_force,
)
from trust_portal.access.people.suspension import may_still
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.sessions.model import Client, Method, SignedIn
from trust_portal.access.sessions.repository import demand_rotation, revoke_sessions
from trust_portal.access.sessions.service import Sessions
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.access.tokens.repository import revoke_tokens_of
from trust_portal.errors import Conflict, NotFound, NotSignedIn
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

#: The page behind an invitation; it shows a button that posts to the same address.
INVITATION_PATH: Final = "/audit-invitation/"


class AuditInvitations:
    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        access_log: AccessLog,
        sessions: Sessions,
        *,
        base_url: str,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._sessions = sessions
        self._base_url = base_url

    async def invite(self, command: InviteAuditor, actor: Actor) -> IssuedInvitation:
        """An invitation for somebody from outside.

        ``Conflict`` for an address that belongs to somebody of the customer who holds another role, or who
        is suspended: a person sees the customer's house with one pair of eyes.
        """
        tenant_id = command.tenant_id
        decision = await self._gate.require(actor, Action.AUDIT_INVITE, Resource(NOUN, tenant_id))
        command.check(self._storage.clock.now())
        credential = new_cookie(tenant_id)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None or not tenant.active or tenant.is_vendor:
                raise NotFound("tenant")
            await self._require_outsider(session, command)
            now = session.clock.now()
            invitation = Invitation(
                id=new_id(),
                tenant_id=tenant_id,
                email=command.email,
                name=command.name,
                reason=command.reason,
                until=command.until,
                waits_until=min(now + WAITS, command.until),
                at=now,
                by_id=actor.id,
                by=actor.name,
                receipt_id=new_id(),
            )
            result: dict[str, Json] = {
                "invitation": str(invitation.id),
                "reason": invitation.reason,
                "until": rfc3339(invitation.until),
                "waits_until": rfc3339(invitation.waits_until),
            }
            await self._record(
                session, ReceiptKind.AUDIT_INVITED, invitation, actor, result, invitation.receipt_id, decision
            )
            await repository.add_invitation(session, invitation, credential)
        return IssuedInvitation(invitation, f"{self._base_url}{INVITATION_PATH}{credential.as_cookie()}")

    async def look(self, secret: str) -> tuple[Invitation, Tenant]:
        """What one is invited to, and by whom, before it is accepted. ``NotSignedIn`` as ``accept`` raises it."""
        credential = _credential(secret)
        async with self._storage.read(TenantScope(credential.tenant_id)) as session:
            invitation, tenant = await self._open_one(session, credential)
        resource = Resource(NOUN, tenant.id)
        if not await may_still(self._storage, self._gate, invitation.by_id, Action.AUDIT_INVITE, resource):
            raise _refusal()
        return invitation, tenant

    async def accept(self, secret: str, client: Client) -> SignedIn:
        """Spend the invitation: the person, the role until the end of the audit, and a session, in one act.

        Raises the same ``NotSignedIn`` for a malformed, unknown, accepted, revoked or lapsed invitation, for
        one to somebody who holds another role since, and for one by somebody who is suspended since, or may invite nobody any more.
        """
        await self.look(secret)
        credential = _credential(secret)
        try:
            async with self._storage.write(TenantScope(credential.tenant_id)) as session:
                invitation, _ = await self._open_one(session, credential)
                # Before the role is given: what was given later than somebody came is none of the invitation's.
                came_at = session.clock.now()
                person = await self._admitted(session, invitation)
                step = InvitationStep(
                    ordinal=1,
                    act=InvitationAct.ACCEPTED,
                    at=came_at,
                    by_id=person.id,
                    by=person.name,
                    reason=None,
                    receipt_id=new_id(),
                    person_id=person.id,
                )
                result: dict[str, Json] = {
                    "invitation": str(invitation.id),
                    "person": str(person.id),
                    "role": Role.AUDITOR.value,
                    "until": rfc3339(invitation.until),
                }
                await self._record(
                    session,
                    ReceiptKind.AUDIT_ACCEPTED,
                    invitation,
                    person.as_actor(),
                    result,
                    step.receipt_id,
                )
                await repository.add_step(session, invitation, step)
                return await self._sessions.open(session, person, Method.LINK, client)
        except Conflict as error:
            raise _refusal() from error

    async def revoke(self, command: RevokeInvitation, actor: Actor) -> Invitation:
        """End it at once: the link, and where somebody came by it, the role, sessions and tokens.

        A person has one role of an auditor, however often they were invited: every other invitation that they came by
        and that is in force ends with this one, with a receipt of its own.
        ``Conflict`` (``NOTHING_TO_REVOKE``) where it is over already.
        """
        tenant_id = command.tenant_id
        resource = Resource(NOUN, tenant_id, command.invitation_id)
        decision = await self._gate.require(actor, Action.AUDIT_REVOKE, resource)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            invitation = await repository.find_invitation(session, tenant_id, command.invitation_id)
            if invitation is None:
                raise NotFound(NOUN)
            now = session.clock.now()
            if not invitation.may_end(now):
                raise Conflict("this invitation is over already", code="NOTHING_TO_REVOKE")
            accepted = invitation.step(InvitationAct.ACCEPTED)
            person_id = None if accepted is None else accepted.person_id
            more: dict[str, Json] = {}
            others: list[Invitation] = []
            if person_id is not None:
                more = await _put_out(session, tenant_id, person_id, actor)
                came_by = await repository.accepted_by(session, tenant_id, person_id)
                others = [each for each in came_by if each.id != invitation.id and each.may_end(now)]
            await self._end(session, invitation, command.reason, more, actor, decision)
            with_it: dict[str, Json] = {"person": str(person_id), "ended_with": str(invitation.id)}
            for each in others:
                await self._end(session, each, command.reason, with_it, actor, decision)
            found = await repository.find_invitation(session, tenant_id, command.invitation_id)
            assert found is not None, "just read, and invitations are never deleted"  # noqa: S101 - narrows
            return found

    async def page(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[Invitation]:
        """Newest first."""
        await self._gate.require(actor, Action.AUDIT_READ, Resource(NOUN, tenant_id))
        # Staff have no right to this table across tenants: secrets stay inside their tenant.
        async with self._storage.read(TenantScope(tenant_id)) as session:
            page = await repository.invitations_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, "audit invitations")
        return page

    async def get(self, actor: Actor, tenant_id: UUID, invitation_id: UUID) -> Invitation:
        """``NotFound`` where the tenant has no such one."""
        await self._gate.require(actor, Action.AUDIT_READ, Resource(NOUN, tenant_id, invitation_id))
        async with self._storage.read(TenantScope(tenant_id)) as session:
            found = await repository.find_invitation(session, tenant_id, invitation_id)
        if found is None:
            raise NotFound(NOUN)
        await self._access_log.looked(actor, tenant_id, NOUN, str(invitation_id))
        return found

    async def own(self, actor: Actor) -> Invitation | None:
        """The invitation by which an auditor is here now, of several the one that ends last; None for everybody else."""
        async with self._storage.read(TenantScope(actor.tenant_id)) as session:
            found = await repository.accepted_by(session, actor.tenant_id, actor.id)
        now = self._storage.clock.now()
        return max((each for each in found if each.may_end(now)), key=lambda each: each.until, default=None)

    async def _require_outsider(self, session: ReadSession, command: InviteAuditor) -> None:
        found = await repository.person_of(session, command.tenant_id, command.email)
        if found is None:
            return
        person_id, active = found
        if not active:
            raise Conflict("somebody with this address is suspended here", field="email")
        if await self._works_here(session, command.tenant_id, person_id):
            raise Conflict(
                "somebody with this address works here already; give another address, or take their roles first",
                field="email",
            )

    async def _works_here(self, session: ReadSession, tenant_id: UUID, person_id: UUID) -> bool:
        """Whether somebody holds a role other than the auditor's."""
        roles = await roles_in_force(session, tenant_id, person_id, self._storage.clock.now())
        return bool(roles - {Role.AUDITOR})

    async def _open_one(self, session: ReadSession, credential: Credential) -> tuple[Invitation, Tenant]:
        invitation = await repository.invitation_of(session, credential)
        if invitation is None or invitation.state(self._storage.clock.now()) is not InvitationState.OPEN:
            raise _refusal()
        tenant = await find_tenant(session, credential.tenant_id)
        if tenant is None or not tenant.active:
            raise _refusal()
        return invitation, tenant

    async def _admitted(self, session: WriteSession, invitation: Invitation) -> Person:
        """Who comes, with the role; somebody who was here before is the same person again."""
        tenant_id, now = invitation.tenant_id, session.clock.now()
        known = await repository.person_of(session, tenant_id, invitation.email)
        if known is None:
            person = Person(new_id(), tenant_id, invitation.email, invitation.name, active=True)
            await insert_person(session, person)
            person_id = person.id
        else:
            person_id = known[0]
            # Who works here since the invitation would come in with more than an auditor's eyes.
            if await self._works_here(session, tenant_id, person_id):
                raise _refusal()
        held = await repository.auditor_until(session, tenant_id, person_id, now)
        if held is None or held < invitation.until:
            grant = GrantRole(tenant_id, person_id, Role.AUDITOR, invitation.until)
            await insert_grant(session, grant, _inviter(invitation))
            await demand_rotation(session, tenant_id, person_id)
        found = await find_active_person(session, tenant_id, person_id, now)
        if found is None:
            raise _refusal()
        return found

    async def _end(
        self,
        session: WriteSession,
        invitation: Invitation,
        reason: str,
        more: dict[str, Json],
        actor: Actor,
        decision: Decision,
    ) -> None:
        step = InvitationStep(
            ordinal=len(invitation.steps) + 1,
            act=InvitationAct.REVOKED,
            at=session.clock.now(),
            by_id=actor.id,
            by=actor.name,
            reason=reason,
            receipt_id=new_id(),
        )
        result: dict[str, Json] = {"invitation": str(invitation.id), "reason": reason, **more}
        await self._record(
            session, ReceiptKind.AUDIT_REVOKED, invitation, actor, result, step.receipt_id, decision
        )
        await repository.add_step(session, invitation, step)

    async def _record(
        self,
        session: WriteSession,
        kind: ReceiptKind,
        invitation: Invitation,
        actor: Actor,
        result: dict[str, Json],
        receipt_id: UUID,
        decision: Decision | None = None,
    ) -> None:
        """Receipts are for ever, so none holds an address or a name."""
        act = Act(
            kind=kind,
            tenant_id=invitation.tenant_id,
            actor=actor,
            at=session.clock.now(),
            subjects=(Subject(f"audit-invitation/{invitation.id}", digest(result)),),
            predicate=result,
            policies=() if decision is None else decision.policies,
            policy_version=None if decision is None else decision.version,
        )
        await self._ledger.record(session, act, receipt_id=receipt_id)


async def _put_out(session: WriteSession, tenant_id: UUID, person_id: UUID, actor: Actor) -> dict[str, Json]:
    await revoke_grant(session, tenant_id, person_id, Role.AUDITOR, actor)
    sessions = await revoke_sessions(session, tenant_id, person_id)
    tokens = await revoke_tokens_of(session, tenant_id, person_id)
    return {"person": str(person_id), "sessions_ended": str(sessions), "tokens_revoked": str(tokens)}


def _inviter(invitation: Invitation) -> Actor:
    """Whose decision the role rests on."""
    return Actor(
        kind=ActorKind.PERSON,
        id=invitation.by_id,
        name=invitation.by,
        tenant_id=invitation.tenant_id,
        roles=frozenset(),
        person_id=invitation.by_id,
    )


def _credential(secret: str) -> Credential:
    credential = parse_cookie(secret)
    if credential is None:
        raise _refusal()
    return credential


def _refusal() -> NotSignedIn:
    return NotSignedIn(
        "this invitation is spent, withdrawn or too old; ask for a new one", code="BAD_CREDENTIAL"
    )
