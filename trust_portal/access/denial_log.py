"""Reading what policy refused, for those who watch over a tenant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tables import policy_decisions
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, Storage


@dataclass(frozen=True, slots=True)
class Denial:
    """``minute``: repeats within it are one. ``policies`` empty: no rule permits it.

    ``elsewhere``: the thing reached for is not of the actor's own tenant; whose it is stays unsaid.
    """

    id: UUID
    minute: datetime
    actor_name: str
    actor_kind: ActorKind
    action: str
    resource_kind: str
    resource_id: str
    elsewhere: bool
    policies: tuple[str, ...]
    policy_version: str


class DenialLog:
    """What the people and tokens of one tenant were refused."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def page(self, actor: Actor, tenant_id: UUID, request: PageRequest) -> Page[Denial]:
        """Newest first."""
        await self._gate.require(actor, Action.DENIAL_READ, Resource("denial", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            page = await _denials_page(session, tenant_id, request)
        await self._access_log.looked(actor, tenant_id, "denials")
        return page


async def _denials_page(session: ReadSession, tenant_id: UUID, request: PageRequest) -> Page[Denial]:
    # Ids are ordered by time, and (tenant_id, id) is the key.
    return await keyset_page(
        session,
        select(policy_decisions).where(policy_decisions.c.tenant_id == tenant_id),
        request,
        order=(policy_decisions.c.id,),
        parse=(UUID,),
        read=_denial,
        key=lambda denial: (str(denial.id),),
        descending=True,
    )


async def denials_between(
    session: ReadSession, tenant_ids: Collection[UUID], start: datetime, end: datetime, *, limit: int
) -> Mapping[UUID, Sequence[Denial]]:
    """By tenant the first ``limit`` of those whose minute lies in ``start`` <= minute <= ``end``, as they happened."""
    column = policy_decisions.c
    place = func.row_number().over(partition_by=column.tenant_id, order_by=(column.minute, column.id))
    within = (
        select(policy_decisions, place.label("place"))
        .where(column.tenant_id.in_(tenant_ids), column.minute >= start, column.minute <= end)
        .subquery()
    )
    rows = await session.execute(select(within).where(within.c.place <= limit).order_by(within.c.place))
    found: dict[UUID, list[Denial]] = {tenant_id: [] for tenant_id in tenant_ids}
    for row in rows:
        found[row.tenant_id].append(_denial(row))
    return found


def _denial(row: Row[Any]) -> Denial:
    elsewhere = row.resource_tenant_id != row.tenant_id
    return Denial(
        id=row.id,
        minute=row.minute,
        actor_name=row.actor_name,
        actor_kind=ActorKind(row.actor_kind),
        action=row.action,
        resource_kind=row.resource_kind,
        # An id of somebody else's thing is not theirs to read back.
        resource_id="" if elsewhere else row.resource_id,
        elsewhere=elsewhere,
        policies=tuple(row.policies),
        policy_version=row.policy_version,
    )
