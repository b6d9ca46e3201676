"""Exports: documents on their way to becoming bundles."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.context import Info
from schema.ids import encode
from trust_portal.evidence import export as model

strawberry.enum(model.ExportState, name="ExportState", description="How far an export is.")


@strawberry.type(description="A signed bundle, or one in the making.")
class Export:
    id: strawberry.ID
    kind: str
    revision: int
    state: model.ExportState
    step: str = strawberry.field(description="What is being done, for people.")
    percent: int
    failure: str | None = strawberry.field(description="Why it failed, for people.")
    file_name: str | None
    size: str | None = strawberry.field(description="Bytes, as a decimal string.")
    sha256: str | None = strawberry.field(description="Of the bundle, once ready.")
    requested_at: datetime
    finished_at: datetime | None
    path: strawberry.Private[str]

    @strawberry.field(
        description="Where a signed-in browser or a bearer token fetches the bundle, once ready."
    )
    def download_url(self, info: Info) -> str | None:
        if self.state is not model.ExportState.READY:
            return None
        return info.context.house.settings.base_url + self.path


def export(row: model.Export, tenant_key: str) -> Export:
    return Export(
        id=encode("Export", row.tenant_id, row.id),
        kind=row.kind,
        revision=row.revision,
        state=row.state,
        step=row.step,
        percent=row.percent,
        failure=row.failure,
        file_name=row.file_name,
        size=None if row.size is None else str(row.size),
        sha256=row.digest,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
        path=f"/t/{tenant_key}/exports/{row.id}/bundle.zip",
    )
