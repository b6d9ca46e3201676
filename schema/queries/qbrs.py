"""Accounts, business reviews and commitments."""

from __future__ import annotations

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.qbr import (
    Account,
    Commitment,
    IssuedQbr,
    ListedQbr,
    Qbr,
    QbrDraft,
    account,
    commitment,
    issued_qbr,
    listed_qbr,
    qbr,
    qbr_draft,
)
from trust_portal.kernel.page import PageRequest


@strawberry.type
class QbrQueries:
    @paged(description="Every customer in service, the next review first, for staff.")
    async def accounts(self, info: Info, paging: PageRequest) -> Connection[Account]:
        return connection(await info.context.house.accounts.page(info.context.actor, paging), account)

    @paged(description="Issued business reviews of a tenant, the newest first.")
    async def qbrs(self, info: Info, tenant_id: strawberry.ID, paging: PageRequest) -> Connection[ListedQbr]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        reader = info.context.house.qbr_reader
        return connection(await reader.page(info.context.actor, asked.tenant_id, paging), listed_qbr)

    @strawberry.field(description="Drafts of a tenant, the newest first, for staff.")
    async def qbr_drafts(self, info: Info, tenant_id: strawberry.ID) -> list[Qbr]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        return [
            qbr(each)
            for each in await info.context.house.qbr_reader.drafts(info.context.actor, asked.tenant_id)
        ]

    @strawberry.field(description="One issued business review with its document.")
    async def qbr(self, info: Info, id: strawberry.ID) -> IssuedQbr | None:
        asked = decode(id, "Qbr")
        reader = info.context.house.qbr_reader
        return issued_qbr(await reader.get(info.context.actor, asked.tenant_id, asked.id))

    @strawberry.field(description="A snapshot with everything in it, for staff.")
    async def qbr_draft(self, info: Info, id: strawberry.ID) -> QbrDraft | None:
        asked = decode(id, "Qbr")
        reader = info.context.house.qbr_reader
        return qbr_draft(await reader.draft(info.context.actor, asked.tenant_id, asked.id))

    @strawberry.field(description="What was promised to a tenant in reviews, for staff.")
    async def commitments(self, info: Info, tenant_id: strawberry.ID) -> list[Commitment]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        reader = info.context.house.qbr_reader
        return [commitment(each) for each in await reader.commitments(info.context.actor, asked.tenant_id)]
