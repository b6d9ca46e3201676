"""Asking for the bundle of a signed document."""

from __future__ import annotations

import strawberry

from schema.context import Context, Info
from schema.ids import GlobalId, decode
from schema.payload import Payload, mutation
from schema.types.export import Export, export
from trust_portal.errors import NotFound
from trust_portal.evidence import export as evidence


@strawberry.input(description="The signed document whose bundle is wanted.")
class RequestExportInput:
    report_id: strawberry.ID = strawberry.field(
        description="Of an SLA report, a published Trust Report or an issued business review."
    )


@strawberry.type(description="The export, new or already there.")
class RequestExportPayload(Payload):
    export: Export | None = None


@strawberry.type
class ExportMutations:
    @mutation(
        description="Ask for a document's bundle. Idempotent: there is one per revision; a failed one begins anew."
    )
    async def request_export(self, info: Info, input: RequestExportInput) -> RequestExportPayload:
        house, actor = info.context.house, info.context.actor
        asked = decode(input.report_id, field="reportId")
        tenant = await house.tenants.get(actor, asked.tenant_id, purpose="GraphQL")
        found = await _requested(info.context, asked)
        return RequestExportPayload(export=export(found, tenant.key))


async def _requested(context: Context, asked: GlobalId) -> evidence.Export:
    house = context.house
    ask = {
        "Qbr": house.trust_bundles.of_qbr,
        "SlaReport": house.bundles.request,
        "TrustReport": house.trust_bundles.of_report,
    }.get(asked.kind)
    if ask is None:
        raise NotFound("report", field="reportId")
    return await ask(context.actor, asked.tenant_id, asked.id)
