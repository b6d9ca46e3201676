"""Objectives are imported for one tenant or, at the vendor, for all; contracts define what they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.service import Tenants
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.facts.measurements import newest_measured
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.objectives.directory import DefinedObjectives
from trust_portal.reliability.objectives.model import Definition, Objective, ObjectiveSource
from trust_portal.reliability.objectives.openslo import parse_openslo
from trust_portal.reliability.objectives.repository import append_objectives, current_objectives
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


@dataclass(frozen=True, slots=True)
class ImportObjectives:
    """An OpenSLO file for one tenant (by external key), or for all where ``tenant`` is ``None``."""

    source: str
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedObjective:
    """``new`` is false where exactly this definition was in force already."""

    objective: Objective
    new: bool


class Objectives:
    """What there is to be measured."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, tenants: Tenants, access_log: AccessLog
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._tenants = tenants
        self._access_log = access_log
        self.directory = DefinedObjectives(storage)

    async def import_file(self, command: ImportObjectives, actor: Actor) -> tuple[ImportedObjective, ...]:
        """Record the file's objectives in its order, all or none; what is in force already stays as it is.

        ``InvalidInput`` names what OpenSLO says and we cannot honour.
        """
        definitions = parse_openslo(command.source)
        tenant_id = VENDOR_ID
        if command.tenant is not None:
            tenant_id = (await self._tenants.by_key(actor, command.tenant, purpose="import of objectives")).id
        decision = await self._gate.require(actor, Action.OBJECTIVE_IMPORT, Resource("objective", tenant_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            return await self._record(session, definitions, ObjectiveSource.OPENSLO, actor, decision)

    async def define_missing(
        self,
        session: WriteSession,
        definitions: Sequence[Definition],
        known: Mapping[str, Objective],
        actor: Actor,
        decision: Decision,
    ) -> tuple[str, ...]:
        """In the transaction of a contract's import: define what it names and nobody has defined.

        The keys defined. A contract is then never about something that cannot be measured by name.
        """
        missing = [each for each in definitions if each.key not in known]
        if missing:
            await self._record(session, missing, ObjectiveSource.CONTRACT, actor, decision)
        return tuple(each.key for each in missing)

    async def known(self, tenant_id: UUID) -> dict[str, Objective]:
        """The tenant's own definitions before the vendor-wide ones, by key. For services: asks no policy."""
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            everybodys = await current_objectives(session, VENDOR_ID)
        async with self._storage.read(TenantScope(tenant_id)) as session:
            own = await current_objectives(session, tenant_id)
        return dict(sorted((everybodys | own).items()))

    async def of_tenant(self, actor: Actor, tenant_id: UUID) -> tuple[Objective, ...]:
        """The objectives that hold for a tenant, by key."""
        await self._gate.require(actor, Action.OBJECTIVE_READ, Resource("objective", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            own = await current_objectives(session, tenant_id)
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            everybodys = await current_objectives(session, VENDOR_ID)
        await self._access_log.looked(actor, tenant_id, "objective", purpose="reliability")
        return tuple(objective for _, objective in sorted((everybodys | own).items()))

    async def undefined(self, actor: Actor, tenant_id: UUID) -> dict[str, datetime]:
        """What is measured for a tenant and defined by nobody, and the newest minute: no report counts it."""
        await self._gate.require(actor, Action.OBJECTIVE_READ, Resource("objective", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            newest = await newest_measured(session, tenant_id)
        missing = await self.directory.missing({(tenant_id, key) for key in newest})
        return {key: at for key, at in newest.items() if (tenant_id, key) in missing}

    async def _record(
        self,
        session: WriteSession,
        definitions: Sequence[Definition],
        source: ObjectiveSource,
        actor: Actor,
        decision: Decision,
    ) -> tuple[ImportedObjective, ...]:
        assert isinstance(session.scope, TenantScope)  # noqa: S101 - narrows the type
        tenant_id, now = session.scope.tenant_id, session.clock.now()
        current = await current_objectives(session, tenant_id)
        changed = [
            (each, current[each.key].revision + 1 if each.key in current else 1)
            for each in definitions
            if each.key not in current or current[each.key].definition != each
        ]
        if changed:
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.OBJECTIVE_RECORDED,
                    tenant_id=tenant_id,
                    actor=actor,
                    at=now,
                    subjects=tuple(
                        Subject(f"objective/{each.key}/{revision}", each.digest) for each, revision in changed
                    ),
                    predicate={
                        "source": source.value,
                        "objectives": [
                            {**each.as_json(), "revision": str(revision)} for each, revision in changed
                        ],
                    },
                    policies=decision.policies,
                    policy_version=decision.version,
                ),
            )
            await append_objectives(session, tenant_id, changed, source=source, at=now, receipt_id=receipt.id)
        new = {each.key: Objective(tenant_id, each, revision, source, now) for each, revision in changed}
        return tuple(
            ImportedObjective(new.get(each.key) or current[each.key], each.key in new) for each in definitions
        )
