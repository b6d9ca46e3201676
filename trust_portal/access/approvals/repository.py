"""Requests and their steps in and out of their tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, exists, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.actors import NO_PERSON
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalRequest,
    Approver,
    Evidence,
    Intent,
    IntentLine,
    Step,
    StepAct,
)
from trust_portal.access.approvals.tables import approval_requests, approval_steps
from trust_portal.access.people.repository import role_in_force
from trust_portal.access.tables import people, role_grants
from trust_portal.kernel.actor import ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def add_request(session: WriteSession, request: ApprovalRequest) -> None:
    await session.execute(
        insert(approval_requests).values(
            tenant_id=request.tenant_id,
            id=request.id,
            kind=request.kind.value,
            subject=request.subject,
            intent=request.intent.canonical(),
            digest=request.digest,
            rule_id=request.rule_id,
            policy_version=request.policy_version,
            roles=[role.value for role in request.roles],
            requester_id=request.requester_id,
            requester_kind=request.requester_kind.value,
            requester_name=request.requester_name,
            reason=request.reason,
            nonce=request.nonce,
            requested_at=request.requested_at,
            expires_at=request.expires_at,
            use_seconds=request.use_seconds,
            receipt_id=request.receipt_id,
        )
    )


async def add_step(session: WriteSession, approval: Approval, step: Step) -> bool:
    """False where another step has taken its place meanwhile; the transaction can go on."""
    request = approval.request
    before = approval.steps[-1] if approval.steps else None
    added = await session.execute(
        upsert(approval_steps)
        .values(
            tenant_id=request.tenant_id,
            request_id=request.id,
            ordinal=step.ordinal,
            act=step.act.value,
            previous=None if before is None else before.ordinal,
            previous_act=None if before is None else before.act.value,
            previous_at=None if before is None else before.at,
            slot=step.slot,
            role=None if step.role is None else step.role.value,
            granted_by=step.granted_by,
            person_id=step.person_id,
            person_name=step.person_name,
            reason=step.reason,
            at=step.at,
            digest=request.digest,
            roles=[role.value for role in request.roles],
            requester_id=request.requester_id,
            expires_at=request.expires_at,
            use_seconds=request.use_seconds,
            signature_id=step.signature_id,
            receipt_id=step.receipt_id,
        )
        .on_conflict_do_nothing()
        .returning(approval_steps.c.ordinal)
    )
    return added.first() is not None


async def find_approval(session: ReadSession, tenant_id: UUID, request_id: UUID) -> Approval | None:
    row = (
        await session.execute(
            select(approval_requests).where(
                approval_requests.c.tenant_id == tenant_id, approval_requests.c.id == request_id
            )
        )
    ).first()
    return None if row is None else (await with_steps(session, [read_request(row)]))[0]


async def signed_approvals(
    session: ReadSession, tenant_id: UUID, after: UUID | None, most: int
) -> tuple[Approval, ...]:
    """Requests of a tenant with a signed decision, in the order of their ids, behind the one with id ``after``."""
    steps = approval_steps.c
    signed = exists().where(
        steps.tenant_id == tenant_id,
        steps.request_id == approval_requests.c.id,
        steps.signature_id.is_not(None),
    )
    query = select(approval_requests).where(approval_requests.c.tenant_id == tenant_id, signed)
    if after is not None:
        query = query.where(approval_requests.c.id > after)
    rows = await session.execute(query.order_by(approval_requests.c.id).limit(most))
    return await with_steps(session, [read_request(row) for row in rows])


async def with_steps(session: ReadSession, requests: Sequence[ApprovalRequest]) -> tuple[Approval, ...]:
    """Each request with what happened to it; of several tenants only in the staff scope."""
    if not requests:
        return ()
    rows = await session.execute(
        select(approval_steps)
        .where(
            approval_steps.c.tenant_id.in_({each.tenant_id for each in requests}),
            approval_steps.c.request_id.in_([each.id for each in requests]),
        )
        .order_by(approval_steps.c.ordinal)
    )
    steps: dict[tuple[UUID, UUID], list[Step]] = defaultdict(list)
    for row in rows:
        steps[row.tenant_id, row.request_id].append(_step(row))
    return tuple(Approval(each, tuple(steps[each.tenant_id, each.id])) for each in requests)


async def approvers(session: ReadSession, roles: Collection[Role], at: datetime) -> tuple[Approver, ...]:
    """Active people of the vendor who hold one of ``roles`` at ``at``, by name. In the vendor's scope."""
    rows = await session.execute(
        select(people.c.id, people.c.name, role_grants.c.role, role_grants.c.granted_by)
        .join(
            role_grants,
            and_(role_grants.c.tenant_id == people.c.tenant_id, role_grants.c.person_id == people.c.id),
        )
        .where(
            people.c.tenant_id == VENDOR_ID,
            people.c.active,
            role_grants.c.role.in_([role.value for role in roles]),
            role_in_force(at),
        )
        .order_by(people.c.name, people.c.id, role_grants.c.role)
    )
    names: dict[UUID, str] = {}
    held: dict[UUID, dict[Role, UUID | None]] = defaultdict(dict)
    for row in rows:
        names[row.id] = row.name
        held[row.id][Role(row.role)] = None if row.granted_by in NO_PERSON else row.granted_by
    return tuple(Approver(id_, names[id_], roles_of) for id_, roles_of in held.items())


def read_intent(data: bytes) -> Intent:
    """An intent from its canonical bytes."""
    value = json.loads(data)
    return Intent(
        kind=ApprovalKind(value["kind"]),
        tenant_key=value["tenant"]["key"],
        tenant_name=value["tenant"]["name"],
        title=value["title"],
        act=tuple(IntentLine(each["label"], each["value"]) for each in value["act"]),
        effect=value["effect"],
        risk=value["risk"],
        evidence=tuple(Evidence(each["label"], each["path"], each["sha256"]) for each in value["evidence"]),
    )


def read_request(row: Row[Any]) -> ApprovalRequest:
    return ApprovalRequest(
        id=row.id,
        tenant_id=row.tenant_id,
        intent=read_intent(row.intent),
        subject=row.subject,
        rule_id=row.rule_id,
        policy_version=row.policy_version,
        roles=tuple(Role(each) for each in row.roles),
        requester_id=row.requester_id,
        requester_kind=ActorKind(row.requester_kind),
        requester_name=row.requester_name,
        reason=row.reason,
        nonce=row.nonce,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        use_seconds=row.use_seconds,
        receipt_id=row.receipt_id,
    )


def _step(row: Row[Any]) -> Step:
    return Step(
        ordinal=row.ordinal,
        act=StepAct(row.act),
        person_id=row.person_id,
        person_name=row.person_name,
        at=row.at,
        reason=row.reason,
        receipt_id=row.receipt_id,
        slot=row.slot,
        role=None if row.role is None else Role(row.role),
        granted_by=row.granted_by,
        signature_id=row.signature_id,
    )
