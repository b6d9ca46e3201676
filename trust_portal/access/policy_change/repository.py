"""Sets of policies in the vendor's tenant: their texts, which were asked for, which came into force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trust_portal.access.approvals.model import Step
from trust_portal.access.approvals.rules import Rule
from trust_portal.access.tables import approval_rules, policy_installs, policy_requests, policy_sets
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Install:
    """The ``ordinal``-th version that came into force (1, 2, …)."""

    ordinal: int
    version: str


async def installs(session: ReadSession) -> tuple[Install, ...]:
    """Every version that came into force, the first first."""
    query = (
        select(policy_installs.c.ordinal, policy_installs.c.version)
        .where(policy_installs.c.tenant_id == VENDOR_ID)
        .order_by(policy_installs.c.ordinal)
    )
    return tuple(Install(row.ordinal, row.version) for row in await session.execute(query))


async def texts_of(session: ReadSession, version: str) -> dict[str, str] | None:
    """File name to text, of a version that is in force, was, or was asked for; ``None``: nobody knows it."""
    for table in (policy_sets, policy_requests):
        query = select(table.c.texts).where(table.c.tenant_id == VENDOR_ID, table.c.version == version)
        if (row := (await session.execute(query.limit(1))).first()) is not None:
            return dict(row.texts)
    return None


async def add_set(session: WriteSession, version: str, texts: Mapping[str, str]) -> bool:
    """False if it is kept already."""
    added = await session.execute(
        upsert(policy_sets)
        .values(tenant_id=VENDOR_ID, version=version, texts=dict(texts), installed_at=session.clock.now())
        .on_conflict_do_nothing()
        .returning(policy_sets.c.version)
    )
    return added.first() is not None


async def add_first_install(session: WriteSession, version: str) -> bool:
    """False if another was first."""
    added = await session.execute(
        upsert(policy_installs)
        .values(tenant_id=VENDOR_ID, ordinal=1, version=version, at=session.clock.now())
        .on_conflict_do_nothing()
        .returning(policy_installs.c.ordinal)
    )
    return added.first() is not None


async def add_install(session: WriteSession, install: Install, approval_id: UUID, use: Step) -> None:
    """``use`` is the step that spent the approval."""
    await session.execute(
        insert(policy_installs).values(
            tenant_id=VENDOR_ID,
            ordinal=install.ordinal,
            version=install.version,
            previous=install.ordinal - 1,
            approval_id=approval_id,
            use_ordinal=use.ordinal,
            use_act=use.act.value,
            used_at=use.at,
            at=use.at,
        )
    )


async def add_rules(session: WriteSession, rules: Iterable[Rule]) -> None:
    """That these came into force: from now on requests may ask for what they ask for."""
    rows = [
        {"kind": each.kind.value, "roles": [role.value for role in each.approvers], "tenant_id": VENDOR_ID}
        for each in rules
        if each.approvers
    ]
    if rows:
        await session.execute(upsert(approval_rules).values(rows).on_conflict_do_nothing())


async def add_request(
    session: WriteSession, approval_id: UUID, version: str, texts: Mapping[str, str]
) -> None:
    await session.execute(
        insert(policy_requests).values(
            tenant_id=VENDOR_ID, approval_id=approval_id, version=version, texts=dict(texts)
        )
    )


async def find_request(session: ReadSession, approval_id: UUID) -> tuple[str, dict[str, str]] | None:
    """Version and texts of what was asked for."""
    query = select(policy_requests.c.version, policy_requests.c.texts).where(
        policy_requests.c.tenant_id == VENDOR_ID, policy_requests.c.approval_id == approval_id
    )
    row = (await session.execute(query)).first()
    return None if row is None else (row.version, dict(row.texts))
