"""Contract versions."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.ids import encode
from trust_portal.reliability.contracts.difference import Change
from trust_portal.reliability.contracts.version import ContractVersion as Row


@strawberry.type(description="What was promised, as recorded; never edited.")
class ContractVersion:
    id: strawberry.ID
    version: str
    fee: str = strawberry.field(description="Decimal string in major units.")
    currency: str
    objective_keys: list[str]
    sha256: str
    source: str = strawberry.field(description="The YAML document, word for word.")
    recorded_at: datetime
    recorded_by: str


@strawberry.type(description="A term that one version says otherwise than another, in words.")
class ContractChange:
    where: str = strawberry.field(description="An objective; empty for the contract as a whole.")
    term: str
    before: str | None = strawberry.field(description="Null: not promised.")
    after: str | None


def contract_change(row: Change) -> ContractChange:
    return ContractChange(where=row.where, term=row.term, before=row.before, after=row.after)


def contract_version(row: Row) -> ContractVersion:
    return ContractVersion(
        id=encode("ContractVersion", row.tenant_id, row.id),
        version=row.version,
        fee=row.contract.fee.decimal,
        currency=row.contract.currency,
        objective_keys=[each.objective for each in row.contract.slas],
        sha256=row.sha256,
        source=row.contract.source.decode(),
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )
