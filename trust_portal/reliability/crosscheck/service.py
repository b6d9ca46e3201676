"""Second sources are set with a reason, leave a receipt, and can be tried before they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

import numpy as np

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.service import Tenants
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.names import require_words
from trust_portal.reliability.contracts.model import CrossCheck, Sla
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.crosscheck import repository
from trust_portal.reliability.crosscheck.comparison import ComparedSla, compare
from trust_portal.reliability.crosscheck.file import parse_sources
from trust_portal.reliability.crosscheck.model import (
    Question,
    SetSource,
    SourceRevision,
    Span,
    TrySource,
)
from trust_portal.reliability.crosscheck.prometheus import Prometheus
from trust_portal.reliability.measured import read_samples
from trust_portal.reliability.objectives.model import Objective
from trust_portal.reliability.objectives.service import Objectives
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession


@dataclass(frozen=True, slots=True)
class ImportSources:
    """Command: record the second sources in a YAML file, for one reason."""

    source: bytes
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class ImportedSource:
    """``new`` is false where exactly this was in force already."""

    tenant_key: str
    revision: SourceRevision
    new: bool


#: What was counted a moment ago may not have been scraped yet.
_SETTLING: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a source answered, beside the measurements here; ``minutes`` of the span are measured."""

    span: Span
    compared: ComparedSla
    minutes: int


class CrossChecks:
    """What confirms whose counts."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        tenants: Tenants,
        objectives: Objectives,
        access_log: AccessLog,
        prometheus: Prometheus,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._tenants = tenants
        self._objectives = objectives
        self._access_log = access_log
        self._prometheus = prometheus

    async def set(self, command: SetSource, actor: Actor) -> SourceRevision:
        """It holds for what is calculated from now on; withdrawn, its objective is not cross-checked.

        The same definition again makes nothing new. ``InvalidInput`` names the field; ``Conflict`` when
        somebody was quicker, or there is nothing to withdraw.
        """
        decision = await self._may_set(command, actor)
        revision, _ = await self._record(command, actor, decision)
        return revision

    async def import_file(self, command: ImportSources, actor: Actor) -> tuple[ImportedSource, ...]:
        """Record the file's sources in its order.

        Everything is read, permitted and checked before anything is written: ``Unusable`` for a file
        that is refused, ``NotFound`` for a tenant. Each is then its own transaction; the same file
        again completes it.
        """
        planned = []
        for each in parse_sources(command.source):
            tenant = await self._tenants.by_key(actor, each.tenant_key, purpose="import of cross-checks")
            asked = SetSource(tenant.id, each.objective, each.definition, command.reason)
            planned.append((tenant.key, asked, await self._may_set(asked, actor)))
        return tuple(
            [
                ImportedSource(key, *await self._record(asked, actor, decision))
                for key, asked, decision in planned
            ]
        )

    async def try_out(self, question: TrySource, actor: Actor) -> Trial:
        """Ask a source as it would be asked for a report, over the hours that ended a few minutes ago."""
        tenant_id, objective = question.tenant_id, question.objective
        await self._gate.require(actor, Action.CROSS_CHECK_TEST, Resource("cross-check", tenant_id))
        known = await self._know(tenant_id, objective)
        end = (self._storage.clock.now() - _SETTLING).replace(second=0, microsecond=0)
        span = Span(end - timedelta(hours=question.hours), end)
        async with self._storage.read(TenantScope(tenant_id)) as session:
            sla = _promise(await contract_versions(session, tenant_id), known)
            samples = await read_samples(session, tenant_id, sla, span.start, span.end)
        counters = question.definition.counters(sla)
        asked = Question(objective, question.definition, 0, UUID(int=0), span, counters)
        (reading,) = await self._prometheus.read([asked])
        compared = compare(sla, samples, span, reading, CrossCheck.OPTIONAL)
        return Trial(span, compared, int(np.unique(samples.minutes).size))

    async def of_tenant(self, actor: Actor, tenant_id: UUID) -> Mapping[str, SourceRevision]:
        """What holds now, by objective; withdrawn ones too."""
        return repository.newest(await self.history(actor, tenant_id))

    async def history(self, actor: Actor, tenant_id: UUID) -> tuple[SourceRevision, ...]:
        """Every change, oldest first."""
        await self._gate.require(actor, Action.CROSS_CHECK_READ, Resource("cross-check", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.source_revisions(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, "cross-check", purpose="reliability")
        return found

    async def _may_set(self, command: SetSource, actor: Actor) -> Decision:
        resource = Resource("cross-check", command.tenant_id)
        decision = await self._gate.require(actor, Action.CROSS_CHECK_SET, resource)
        if command.definition is not None:
            await self._know(command.tenant_id, command.objective)
            self._prometheus.admission.headers(command.definition)
        return decision

    async def _know(self, tenant_id: UUID, objective: str) -> Objective:
        known = await self._objectives.known(tenant_id)
        if objective not in known:
            names = ", ".join(known) or "none"
            raise InvalidInput(f"there is no objective {objective!r}; there are: {names}", field="objective")
        return known[objective]

    async def _record(
        self, command: SetSource, actor: Actor, decision: Decision
    ) -> tuple[SourceRevision, bool]:
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            revisions = await repository.source_revisions(session, command.tenant_id)
            current = repository.newest(revisions).get(command.objective)
            number = 0 if current is None else current.revision
            if command.expected_revision not in {None, number}:
                raise Conflict(f"this cross-check was changed meanwhile, to revision {number}", code="STALE")
            if current is not None and current.definition == command.definition is not None:
                return current, False
            if command.definition is None and (current is None or current.definition is None):
                raise Conflict("there is no cross-check to withdraw", field="objective")
            return await self._add(session, command, current, actor, decision), True

    async def _add(
        self,
        session: WriteSession,
        command: SetSource,
        current: SourceRevision | None,
        actor: Actor,
        decision: Decision,
    ) -> SourceRevision:
        number = 1 if current is None else current.revision + 1
        set_ = command.definition is not None
        previous = None if current is None or current.definition is None else current.definition.digest
        result: dict[str, Json] = {
            "objective": command.objective,
            "revision": str(number),
            "source": None if command.definition is None else command.definition.as_json(),
            "previous": previous,
        }
        subject = Subject(
            f"cross-check/{command.objective}/{number}",
            digest(None) if command.definition is None else command.definition.digest,
        )
        receipt = await self._ledger.record(
            session,
            Act(
                kind=ReceiptKind.CROSS_CHECK_SET if set_ else ReceiptKind.CROSS_CHECK_WITHDRAWN,
                tenant_id=command.tenant_id,
                actor=actor,
                at=session.clock.now(),
                subjects=(subject,),
                predicate=result,
                policies=decision.policies,
                policy_version=decision.version,
                rationale=command.reason,
            ),
        )
        revision = SourceRevision(
            tenant_id=command.tenant_id,
            objective=command.objective,
            revision=number,
            definition=command.definition,
            reason=command.reason,
            set_at=session.clock.now(),
            set_by=actor.name,
            receipt_id=receipt.id,
        )
        await repository.add_source(session, revision, actor)
        return revision


def _promise(versions: Sequence[ContractVersion], objective: Objective) -> Sla:
    """How the newest contract that promises something about an objective counts it, or as it is defined."""
    for version in reversed(versions):
        for sla in version.contract.slas:
            if sla.objective == objective.key:
                return sla
    return Sla(objective.key, Fraction(0), latency_threshold=objective.definition.threshold)
