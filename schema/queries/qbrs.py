"""Accounts, business reviews and commitments."""

from __future__ import annotations

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.qbr import (
    Account,
    Commitment,
    Qbr,
    account,
    commitment,
    qbr,
)
from trust_portal.kernel.page import PageRequest


@strawberry.type
class QbrQueries:
    @paged(description="Every customer in service, the next review first, for staff.")
    async def accounts(self, info: Info, paging: PageRequest) -> Connection[Account]:
        return connection(await info.context.house.accounts.page(info.context.actor, paging), account)

    @paged(description="Issued business reviews of a tenant, the newest first.")
    async def qbrs(self, info: Info, tenant_id: strawberry.ID, paging: PageRequest) -> Connection[Qbr]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        reader = info.context.house.qbr_reader
        page = await reader.page(info.context.actor, asked.tenant_id, paging)
        return connection(page, lambda each: qbr(each.qbr, each))

    @strawberry.field(description="Drafts of a tenant, the newest first, for staff.")
    async def qbr_drafts(self, info: Info, tenant_id: strawberry.ID) -> list[Qbr]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        return [
            qbr(each)
            for each in await info.context.house.qbr_reader.drafts(info.context.actor, asked.tenant_id)
        ]

    @strawberry.field(description="One business review; a draft is there for staff alone.")
    async def qbr(self, info: Info, id: strawberry.ID) -> Qbr | None:
        asked = decode(id, "Qbr")
        reader = info.context.house.qbr_reader
        return qbr(await reader.find(info.context.actor, asked.tenant_id, asked.id))

    @strawberry.field(description="What was promised to a tenant in reviews, for staff.")
    async def commitments(self, info: Info, tenant_id: strawberry.ID) -> list[Commitment]:
        asked = decode(tenant_id, "Tenant", field="tenantId")
        reader = info.context.house.qbr_reader
        return [commitment(each) for each in await reader.commitments(info.context.actor, asked.tenant_id)]
