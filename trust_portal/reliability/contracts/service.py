"""Contract versions are imported once and never edited; a change is the next version."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.service import Tenants
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.reliability.contracts.document import lint, parse_contract
from trust_portal.reliability.contracts.file import split_documents
from trust_portal.reliability.contracts.model import Contract, Sla, percent_text
from trust_portal.reliability.contracts.repository import contract_versions, insert_contract
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.findings import Finding, Unusable, refusal
from trust_portal.reliability.objectives.model import Definition, Objective, ObjectiveKind
from trust_portal.reliability.objectives.service import Objectives
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage


@dataclass(frozen=True, slots=True)
class ImportContracts:
    """A YAML file of one or more contract documents, each naming its tenant by external key."""

    source: bytes


@dataclass(frozen=True, slots=True)
class ImportedContract:
    """``new`` is false where this very document was recorded before. ``notes`` are worth a look."""

    tenant_key: str
    version: ContractVersion
    new: bool
    notes: tuple[Finding, ...]
    objectives_defined: tuple[str, ...]


class Contracts:
    """What was promised to whom, in every version there ever was."""

    def __init__(
        self,
        storage: Storage,
        *,
        gate: Gate,
        ledger: Ledger,
        tenants: Tenants,
        objectives: Objectives,
        access_log: AccessLog,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._tenants = tenants
        self._objectives = objectives
        self._access_log = access_log

    async def import_file(self, command: ImportContracts, actor: Actor) -> tuple[ImportedContract, ...]:
        """Record the file's contracts in its order.

        Everything is read, permitted and compared before anything is written: ``Unusable`` for a
        document that is refused, ``NotFound`` for a tenant, ``Conflict`` where the version exists in
        other words. Each tenant's is then its own transaction; the same file again completes it.
        """
        planned = [await self._check(parse_contract(each), actor) for each in split_documents(command.source)]
        named = [(tenant.id, contract.version) for tenant, contract, _ in planned]
        for tenant, contract, _ in planned:
            if named.count((tenant.id, contract.version)) > 1:
                raise Conflict(
                    f"version {contract.version} of {tenant.key} stands twice in this file", field="version"
                )
        return tuple(
            [await self._record(tenant, contract, actor, decision) for tenant, contract, decision in planned]
        )

    async def versions(self, actor: Actor, tenant_id: UUID) -> tuple[ContractVersion, ...]:
        """Every version of a tenant's contract, oldest first."""
        await self._gate.require(actor, Action.CONTRACT_READ, Resource("contract", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await contract_versions(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, "contract", purpose="reliability")
        return found

    async def source(self, actor: Actor, tenant_id: UUID, version: str) -> bytes:
        """A version's document byte for byte; ``NotFound`` where there is none. Always leaves its line."""
        await self._gate.require(actor, Action.CONTRACT_READ, Resource("contract", tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            known = await contract_versions(session, tenant_id)
        found = next((each for each in known if each.version == version), None)
        if found is None:
            raise NotFound("contract")
        await self._access_log.fetched(actor, tenant_id, "contract", version, "reliability")
        return found.contract.source

    async def get(self, actor: Actor, tenant_id: UUID, version: str) -> ContractVersion:
        """One version by its name; ``NotFound`` where there is none."""
        for found in await self.versions(actor, tenant_id):
            if found.version == version:
                return found
        raise NotFound("contract")

    async def _check(self, contract: Contract, actor: Actor) -> tuple[Tenant, Contract, Decision]:
        tenant = await self._tenants.by_key(actor, contract.tenant, purpose="import of a contract")
        decision = await self._gate.require(actor, Action.CONTRACT_IMPORT, Resource("contract", tenant.id))
        known = await self._objectives.known(tenant.id)
        if found := [finding for sla in contract.slas for finding in _mismatch(sla, known)]:
            raise Unusable("contract", found)
        async with self._storage.read(TenantScope(tenant.id)) as session:
            _same(await contract_versions(session, tenant.id), contract)
        return tenant, contract, decision

    async def _record(
        self, tenant: Tenant, contract: Contract, actor: Actor, decision: Decision
    ) -> ImportedContract:
        known = await self._objectives.known(tenant.id)
        notes = tuple(lint(contract))
        # Two imports of one version at the same moment: the second finds what the first recorded.
        meanwhile = Conflict(
            f"version {contract.version} of {tenant.key} is being recorded; try again", field="version"
        )
        with duplicates_are(meanwhile, "contracts", "objectives"):
            async with self._storage.write(TenantScope(tenant.id)) as session:
                if same := _same(await contract_versions(session, tenant.id), contract):
                    return ImportedContract(tenant.key, same, new=False, notes=notes, objectives_defined=())
                version_id, now = new_id(), session.clock.now()
                receipt = await self._ledger.record(
                    session,
                    Act(
                        kind=ReceiptKind.CONTRACT_RECORDED,
                        tenant_id=tenant.id,
                        actor=actor,
                        at=now,
                        subjects=(Subject(f"contract/{contract.version}", contract.digest),),
                        predicate={
                            "contract": str(version_id),
                            "version": contract.version,
                            "effective_from": None
                            if contract.effective_from is None
                            else str(contract.effective_from),
                            "objectives": {sla.objective: percent_text(sla.target) for sla in contract.slas},
                        },
                        policies=decision.policies,
                        policy_version=decision.version,
                    ),
                )
                version = ContractVersion(
                    version_id, tenant.id, contract, contract.digest, receipt.id, now, actor.name
                )
                await insert_contract(session, version)
                defined = await self._objectives.define_missing(
                    session, [_definition(sla) for sla in contract.slas], known, actor, decision
                )
        return ImportedContract(tenant.key, version, new=True, notes=notes, objectives_defined=defined)


def _same(versions: tuple[ContractVersion, ...], contract: Contract) -> ContractVersion | None:
    for version in versions:
        if version.version == contract.version:
            if version.sha256 != contract.digest:
                raise Conflict(
                    f"version {contract.version} of {contract.tenant} is recorded in other words; "
                    "a change is a new version",
                    field="version",
                    code="CONTRACT_VERSION_EXISTS",
                )
            return version
    return None


def _definition(sla: Sla) -> Definition:
    """What a contract says about an objective by naming it."""
    latency = sla.latency_threshold is not None
    return Definition(
        key=sla.objective,
        kind=ObjectiveKind.LATENCY if latency else ObjectiveKind.AVAILABILITY,
        title=sla.objective,
        threshold=sla.latency_threshold,
        target=percent_text(sla.target),
    )


def _mismatch(sla: Sla, known: dict[str, Objective]) -> list[Finding]:
    objective = known.get(sla.objective)
    if objective is None or sla.latency_threshold is None:
        return []
    if objective.definition.kind is ObjectiveKind.LATENCY:
        return []
    return [
        refusal(
            "OBJECTIVE_MISMATCH",
            f"{sla.objective} is defined as an availability objective; it has no latency to compare",
            sla.objective,
        )
    ]
