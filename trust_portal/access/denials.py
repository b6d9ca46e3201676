"""The record of what policy refused. Append-only, and bounded however hard somebody knocks."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.dialects.postgresql import insert

from trust_portal.access.action import Action
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tables import policy_decisions
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

#: Rows one actor can cause in a minute (per process), by varying what it asks for.
PER_ACTOR_AND_MINUTE: Final = 30

_log = structlog.get_logger(__name__)


class Denials:
    """Writes a denial at the actor's own tenant, in its own transaction.

    The same (actor, action, resource) within a minute is one row, held by a unique key and so
    across processes; beyond ``PER_ACTOR_AND_MINUTE`` different ones, only the log line remains.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._minute: datetime | None = None
        self._written: Counter[object] = Counter()
        self._seen: set[tuple[object, ...]] = set()

    async def record(self, actor: Actor, action: Action, resource: Resource, decision: Decision) -> None:
        minute = self._storage.clock.now().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._written.clear()
            self._seen.clear()
        subject = "" if resource.id is None else str(resource.id)[:200]
        key = (actor.id, action, resource.kind, resource.tenant_id, subject)
        if key in self._seen:
            return
        if self._written[actor.id] >= PER_ACTOR_AND_MINUTE:
            _log.warning("denials_coalesced", actor=str(actor.id), action=action.value)
            return
        self._seen.add(key)
        self._written[actor.id] += 1
        try:
            await self._write(actor, action, resource, decision, minute=minute, subject=subject)
        except BaseException:
            # Not on record, so the next repeat must try again.
            self._seen.discard(key)
            raise

    async def _write(
        self,
        actor: Actor,
        action: Action,
        resource: Resource,
        decision: Decision,
        *,
        minute: datetime,
        subject: str,
    ) -> None:
        async with self._storage.write(TenantScope(actor.tenant_id)) as session:
            await session.execute(
                insert(policy_decisions)
                .values(
                    tenant_id=actor.tenant_id,
                    id=new_id(),
                    minute=minute,
                    actor_id=actor.id,
                    actor_kind=actor.kind.value,
                    actor_name=actor.name,
                    action=action.value,
                    resource_kind=resource.kind,
                    resource_tenant_id=resource.tenant_id,
                    resource_id=subject,
                    policies=list(decision.policies),
                    policy_version=decision.version,
                )
                .on_conflict_do_nothing()
            )
