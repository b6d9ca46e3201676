"""Asking for a bundle."""

from __future__ import annotations

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import OF_THE_REQUEST, UserError, user_error
from schema.types.export import Export, export


@strawberry.input(description="The signed report whose bundle is wanted.")
class RequestExportInput:
    report_id: strawberry.ID


@strawberry.type(description="The export, new or already there.")
class RequestExportPayload:
    export: Export | None
    user_errors: list[UserError]


@strawberry.type
class ExportMutations:
    @strawberry.mutation(
        description="Ask for a report's bundle. Idempotent: there is one per revision; a failed one begins anew."
    )
    async def request_export(self, info: Info, input: RequestExportInput) -> RequestExportPayload:
        house, actor = info.context.house, info.context.actor
        try:
            asked = decode(input.report_id, "SlaReport", field="reportId")
            tenant = await house.tenants.get(actor, asked.tenant_id, purpose="GraphQL")
            found = await house.bundles.request(actor, asked.tenant_id, asked.id)
        except OF_THE_REQUEST as refusal:
            return RequestExportPayload(export=None, user_errors=[user_error(refusal)])
        return RequestExportPayload(export=export(found, tenant.key), user_errors=[])
