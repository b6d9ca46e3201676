"""Postmortems, for staff."""

from __future__ import annotations

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.postmortem import (
    Postmortem,
    PostmortemDetail,
    PostmortemReleasePreview,
    listed_postmortem,
    postmortem_detail,
    postmortem_release_preview,
)
from schema.work import weighs
from trust_portal.kernel.page import PageRequest


@strawberry.type
class PostmortemQueries:
    @paged(description="Postmortems of all incidents, the newest first, for staff.")
    async def postmortems(
        self, info: Info, paging: PageRequest, unsigned: bool = False
    ) -> Connection[Postmortem]:
        page = await info.context.house.postmortem_reader.page(info.context.actor, paging, unsigned=unsigned)
        return connection(page, listed_postmortem)

    @strawberry.field(description="One postmortem with its document, for staff.")
    async def postmortem(self, info: Info, id: strawberry.ID) -> PostmortemDetail | None:
        asked = decode(id, "Postmortem")
        return postmortem_detail(
            await info.context.house.postmortem_reader.find(info.context.actor, asked.id)
        )

    @strawberry.field(
        description="What a customer's copy would be, for who may release it.", metadata=weighs(100)
    )
    async def postmortem_release_preview(
        self, info: Info, postmortem_id: strawberry.ID, tenant_id: strawberry.ID, profile: str = "customer"
    ) -> PostmortemReleasePreview:
        preview = await info.context.house.postmortem_releases.preview(
            info.context.actor,
            decode(postmortem_id, "Postmortem", field="postmortemId").id,
            decode(tenant_id, "Tenant", field="tenantId").tenant_id,
            profile,
        )
        return postmortem_release_preview(preview)
