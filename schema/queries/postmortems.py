"""Postmortems, for staff."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema.connection import Connection, connection, paged
from schema.context import Info
from schema.ids import decode
from schema.types.postmortem import (
    Postmortem,
    PostmortemReleasePreview,
    listed_postmortem,
    opened_postmortem,
    postmortem_release_preview,
)
from schema.work import weighs
from trust_portal.kernel.page import PageRequest
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.postmortems.filters import PostmortemFilter
from trust_portal.learning.switchboard.model import BoardFilter


@strawberry.type
class PostmortemQueries:
    @paged(description="Postmortems of all incidents, the newest first, for staff.")
    async def postmortems(
        self,
        info: Info,
        paging: PageRequest,
        unsigned: bool = False,
        late: Annotated[bool, strawberry.argument(description="Not signed for more than two weeks.")] = False,
        service: str | None = None,
        team: str | None = None,
        owner: Annotated[
            str | None, strawberry.argument(description="As the Switchboard names an owner.")
        ] = None,
        severity: Severity | None = None,
    ) -> Connection[Postmortem]:
        house, actor = info.context.house, info.context.actor
        kept = BoardFilter(service, team, owner, severity)
        incidents = await house.switchboard.late_postmortems(actor, kept) if late else None
        wanted = PostmortemFilter(unsigned, service, team, owner, severity, incidents)
        page = await house.postmortem_reader.page(actor, paging, wanted)
        return connection(page, listed_postmortem)

    @strawberry.field(description="One postmortem with its document, for staff.")
    async def postmortem(self, info: Info, id: strawberry.ID) -> Postmortem | None:
        asked = decode(id, "Postmortem")
        return opened_postmortem(
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
