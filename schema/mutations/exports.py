"""Asking for the bundle of a signed document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import strawberry

from schema.context import Context, Info
from schema.ids import GlobalId, decode
from schema.payload import Payload, mutation
from schema.types.export import Export, export
from trust_portal.errors import NotFound
from trust_portal.evidence import export as evidence
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID


@strawberry.input(description="The signed document whose bundle is wanted.")
class RequestExportInput:
    document_id: strawberry.ID = strawberry.field(
        description="Of an SLA report, an issued credit, a published Trust Report, an issued business review, a signed "
        "version of a postmortem or a customer's copy of one."
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
        asked = decode(input.document_id, field="documentId")
        tenant = await house.tenants.get(actor, asked.tenant_id, purpose="GraphQL")
        found = await _requested(info.context, asked)
        return RequestExportPayload(export=export(found, tenant.key))


async def _requested(context: Context, asked: GlobalId) -> evidence.Export:
    house = context.house
    ask = {
        "Credit": house.credits.request_bundle,
        "PostmortemCopy": house.postmortem_bundles.of_copy,
        "PostmortemVersion": _of_version(context),
        "Qbr": house.trust_bundles.of_qbr,
        "SlaReport": house.bundles.request,
        "TrustReport": house.trust_bundles.of_report,
    }.get(asked.kind)
    if ask is None:
        raise NotFound("report", field="documentId")
    return await ask(context.actor, asked.tenant_id, asked.id)


def _of_version(context: Context) -> Callable[[Actor, UUID, UUID], Awaitable[evidence.Export]]:
    """The id of a version is its signature's, in the vendor's house."""

    async def ask(actor: Actor, tenant_id: UUID, receipt_id: UUID) -> evidence.Export:
        if tenant_id != VENDOR_ID:
            raise NotFound("signed version", field="documentId")
        return await context.house.postmortem_bundles.of_version(actor, receipt_id)

    return ask
