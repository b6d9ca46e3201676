"""Contracts and objectives from their documents: the same text as the files of the command line."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.payload import Payload, mutation
from schema.types.contract import ContractVersion, contract_version
from schema.types.objective import Objective, objective
from schema.types.report import Finding, finding
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.objectives.service import ImportObjectives


@strawberry.input(description="Contract documents, in YAML, each naming its tenant.")
class ImportContractsInput:
    source: str


@strawberry.input(description="OpenSLO documents, in YAML, for one tenant or for all.")
class ImportObjectivesInput:
    source: str
    tenant_key: str | None = strawberry.field(default=None, description="Null: for every tenant.")


@strawberry.type(description="One contract of the document.")
class ImportedContract:
    tenant_key: str
    version: ContractVersion
    new: bool = strawberry.field(description="False where this very document was recorded before.")
    notes: list[Finding] = strawberry.field(description="Worth a look; none stopped the import.")


@strawberry.type(description="What was recorded; everything, or nothing.")
class ImportContractsPayload(Payload):
    contracts: list[ImportedContract] = strawberry.field(default_factory=list)


@strawberry.type(description="What was recorded; everything, or nothing.")
class ImportObjectivesPayload(Payload):
    objectives: list[Objective] = strawberry.field(default_factory=list)


@strawberry.type
class ImportMutations:
    @mutation(description="Record contract documents. Idempotent: the same words again make nothing new.")
    async def import_contracts(self, info: Info, input: ImportContractsInput) -> ImportContractsPayload:
        imported = await info.context.house.contracts.import_file(
            ImportContracts(input.source.encode()), info.context.actor
        )
        return ImportContractsPayload(
            contracts=[
                ImportedContract(
                    tenant_key=each.tenant_key,
                    version=contract_version(each.version),
                    new=each.new,
                    notes=[finding(note) for note in each.notes],
                )
                for each in imported
            ]
        )

    @mutation(description="Record OpenSLO objectives. Idempotent: the same words again make nothing new.")
    async def import_objectives(self, info: Info, input: ImportObjectivesInput) -> ImportObjectivesPayload:
        imported = await info.context.house.objectives.import_file(
            ImportObjectives(input.source, input.tenant_key), info.context.actor
        )
        return ImportObjectivesPayload(objectives=[objective(each.objective) for each in imported])
