"""SLA reports of a tenant: where each period stands, one report whole, and its files."""

from __future__ import annotations

import json
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.documents.sla_report_words import Imprint
from trust_portal.errors import Refused
from trust_portal.evidence.export import Export
from trust_portal.kernel.actor import Actor
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.model import KIND
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.reliability.reports.renderer import bundle_name
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import FormState, page_request, read_form, required, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page

#: The bundle's documents that are offered by themselves, with their media types.
_SINGLE_FILES = {
    "report.pdf": "application/pdf",
    "report.json": "application/json",
    "report.csv": "text/csv; charset=utf-8",
}


async def reports(request: Request, form: FormState = FormState()) -> Response:  # noqa: B008 - frozen
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="SLA reports")
    listed = await house.reports.page(actor, tenant.id, page_request(request))
    return page(
        request,
        "reports.html",
        status_code=form.status,
        reports=listed,
        heads=await house.reports.heads(actor, tenant.id),
        form=form,
        may_issue=house.gate.allows(actor, Action.SLA_REPORT_ISSUE, Resource("SLA report", tenant.id)),
        **frame(request, tenant),
    )


async def issue(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="SLA reports"), await read_form(request)
    try:
        command = IssueReport(tenant.id, required(form, "period"), str(form.get("reason", "")) or None)
        report = await house_of(request).reports.issue(command, actor_of(request))
    except Refused as refusal:
        if refusal.status in {401, 403, 404}:
            raise
        return await reports(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/reports/{report.id}", status_code=303)


async def report(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="SLA report")
    found = await house.reports.get(actor, tenant.id, request.path_params["report"])
    document = json.loads(await house.reports.document(actor, tenant.id, found.id))
    siblings = await house.reports.of_period(actor, tenant.id, found.period)
    return page(
        request,
        "report.html",
        stored=found,
        report=document,
        siblings=siblings,
        superseded_by=next((each for each in siblings if each.supersedes == found.id), None),
        imprint=Imprint(
            house.keyring.receipts.key_id,
            found.issued_at,
            bundle_name(tenant.key, found) if found.state is State.OK else "",
        ),
        export=await _export(request, actor, tenant, found),
        href=_receipt_address(tenant),
        **frame(request, tenant),
    )


async def export_progress(request: Request) -> Response:
    """The export's block alone, asked for again by the page until there is nothing more to wait for."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="SLA report")
    found = await house.reports.get(actor, tenant.id, request.path_params["report"])
    return page(
        request,
        "report_export.html",
        stored=found,
        export=await _export(request, actor, tenant, found),
        imprint=Imprint(house.keyring.receipts.key_id, found.issued_at, bundle_name(tenant.key, found)),
        **frame(request, tenant),
    )


async def bundle(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="download")
    artefact = await house_of(request).archive.download(
        actor_of(request), tenant.id, request.path_params["export"]
    )
    return attachment(artefact.content, artefact.media_type, artefact.file_name, artefact.digest)


async def single_file(request: Request) -> Response:
    tenant, name = await tenant_of(request, purpose="download"), request.path_params["name"]
    content = await house_of(request).archive.file(
        actor_of(request), tenant.id, request.path_params["export"], name
    )
    return attachment(content, _SINGLE_FILES.get(name, "application/octet-stream"), name)


async def _export(request: Request, actor: Actor, tenant: Tenant, report: StoredReport) -> Export | None:
    if report.revision is None:
        return None
    return await house_of(request).archive.export_of(actor, tenant.id, KIND, report.id, report.revision)


def _receipt_address(tenant: Tenant) -> object:
    def href(reference: str) -> str:
        """Where a receipt named in a document can be read; a reference of another kind has no page."""
        try:
            return f"{tenant_path(tenant)}/receipts/{UUID(reference)}"
        except ValueError:
            return ""

    return href


routes = [
    Route("/t/{tenant}/reports", reports, methods=["GET"]),
    Route("/t/{tenant}/reports", issue, methods=["POST"]),
    Route("/t/{tenant}/reports/{report:uuid}", report, methods=["GET"]),
    Route("/t/{tenant}/reports/{report:uuid}/export", export_progress, methods=["GET"]),
    Route("/t/{tenant}/exports/{export:uuid}/bundle.zip", bundle, methods=["GET"]),
    Route("/t/{tenant}/exports/{export:uuid}/files/{name}", single_file, methods=["GET"]),
]
