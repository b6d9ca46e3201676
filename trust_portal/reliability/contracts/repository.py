"""Contract versions in and out of their table. The document is the truth; columns only find it."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.model import Contract, PeriodLength
from trust_portal.reliability.contracts.tables import contracts
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def contract_versions(session: ReadSession, tenant_id: UUID) -> tuple[ContractVersion, ...]:
    """All versions of a tenant's contract, in the order of their recording."""
    rows = await session.execute(
        select(contracts).where(contracts.c.tenant_id == tenant_id).order_by(contracts.c.id)
    )
    return tuple(_version(row) for row in rows)


async def versions_of(
    session: ReadSession, tenant_ids: Collection[UUID]
) -> dict[UUID, tuple[ContractVersion, ...]]:
    """All versions as they were recorded by tenant, in that order. For the staff scope, or one tenant's."""
    rows = await session.execute(
        select(contracts).where(contracts.c.tenant_id.in_(tenant_ids)).order_by(contracts.c.id)
    )
    found: dict[UUID, list[ContractVersion]] = {}
    for row in rows:
        found.setdefault(row.tenant_id, []).append(_version(row))
    return {tenant_id: tuple(each) for tenant_id, each in found.items()}


async def contracts_of(
    session: ReadSession, tenant_ids: Collection[UUID]
) -> dict[UUID, tuple[Contract, ...]]:
    """All versions by tenant, in the order of their recording. For the staff scope, or one tenant's."""
    rows = await session.execute(
        select(contracts.c.tenant_id, contracts.c.document)
        .where(contracts.c.tenant_id.in_(tenant_ids))
        .order_by(contracts.c.id)
    )
    found: dict[UUID, tuple[Contract, ...]] = {}
    for row in rows:
        found[row.tenant_id] = (*found.get(row.tenant_id, ()), _parsed(row.document))
    return found


async def anybody_promises(session: ReadSession, length: PeriodLength) -> bool:
    """Whether any tenant has ever been promised something by the month or quarter. For the staff scope."""
    rows = await session.execute(
        select(contracts.c.id).where(contracts.c.lengths.contains([length.value])).limit(1)
    )
    return rows.first() is not None


async def insert_contract(session: WriteSession, version: ContractVersion) -> None:
    contract = version.contract
    await session.execute(
        insert(contracts).values(
            tenant_id=version.tenant_id,
            id=version.id,
            version=contract.version,
            effective_from=None if contract.effective_from is None else str(contract.effective_from),
            lengths=sorted({sla.period.value for sla in contract.slas}),
            document=contract.source.decode(),
            sha256=version.sha256,
            receipt_id=version.receipt_id,
            recorded_at=version.recorded_at,
            recorded_by_name=version.recorded_by,
        )
    )


def _version(row: Row[Any]) -> ContractVersion:
    return ContractVersion(
        id=row.id,
        tenant_id=row.tenant_id,
        contract=_parsed(row.document),
        sha256=row.sha256,
        receipt_id=row.receipt_id,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by_name,
    )


@lru_cache(maxsize=512)
def _parsed(document: str) -> Contract:
    """Documents never change and YAML is slow to read, so a process keeps those it read last."""
    return parse_contract(document)
