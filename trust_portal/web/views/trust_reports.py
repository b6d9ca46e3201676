"""Trust Reports of a tenant: what was published, one report whole, and what would be published now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Refused
from trust_portal.trust.report.acknowledged import acknowledged_of
from trust_portal.trust.report.document import title_of
from trust_portal.trust.report.latest import latest
from trust_portal.trust.report.model import (
    CSV_FILE,
    DOCUMENT_FILE,
    NOUN,
    PDF_FILE,
    PublishTrustReport,
    blocked_as,
)
from trust_portal.trust.sections.document import sections_of
from trust_portal.trust.sections.links import without_links
from trust_portal.trust.sections.model import Section
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, required, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.periods import offered_of
from trust_portal.web.templating import page
from trust_portal.web.views.acknowledging import acknowledgements_of

_FILES = ((PDF_FILE, "PDF"), (DOCUMENT_FILE, "JSON"), (CSV_FILE, "CSV"))


async def reports(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=NOUN)
    newest = await house.trust_reports.newest(actor, tenant.id)
    return page(
        request,
        "trust/reports.html",
        versions=await house.trust_reports.versions(actor, tenant.id),
        told=await house.trust_reports.told(actor, tenant.id),
        newest=newest,
        sections=[] if newest is None else _followable(request, tenant, sections_of(newest.document)),
        period=tenant.newest_quarter(house.clock.now()),
        periods=offered_of(tenant, house.clock.now(), running=True)[::-1],
        **_rights(request, tenant),
        **frame(request, tenant),
    )


async def report(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=NOUN)
    opened = await house.trust_reports.get(actor, tenant.id, request.path_params["report"])
    versions = await house.trust_reports.versions(actor, tenant.id)
    stored = opened.report
    return page(
        request,
        "trust/report.html",
        title=title_of(opened.document),
        opened=opened,
        stored=stored,
        document=opened.document,
        sections=_followable(request, tenant, sections_of(opened.document)),
        acknowledged=acknowledged_of(opened.document),
        later=next(
            (
                each
                for each in versions
                if (each.period, each.revision) == (stored.period, stored.superseded_by)
            ),
            None,
        ),
        newest=latest(versions),
        files=_FILES,
        key=tenant.key,
        **_rights(request, tenant),
        **frame(request, tenant),
    )


async def preview(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=NOUN)
    period = (
        form.value("period") or request.query_params.get("of") or tenant.newest_quarter(house.clock.now())
    )
    found = await house.trust_reports.preview(actor, tenant.id, period)
    return page(
        request,
        "trust/preview.html",
        status_code=form.status,
        preview=found,
        sections=_followable(request, tenant, found.sections),
        seen={each.id: blocked_as(each) for each in found.blocking},
        form=form,
        **_rights(request, tenant),
        **frame(request, tenant),
    )


async def publish(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=NOUN), await read_form(request)
    given = texts(form)
    try:
        command = PublishTrustReport(
            tenant.id,
            required(form, "period", label="the period"),
            acknowledgements_of(given),
            given.get("reason") or None,
        )
        stored = await house_of(request).trust_reports.publish(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable or refusal.field == "period":
            raise
        return await preview(request, FormState(given, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/trust/{stored.id}", status_code=303)


async def request_bundle(request: Request) -> Response:
    """Have the bundle of a published one made again where that failed."""
    tenant, report_id = await tenant_of(request, purpose=NOUN), request.path_params["report"]
    await house_of(request).trust_bundles.of_report(actor_of(request), tenant.id, report_id)
    return RedirectResponse(f"{tenant_path(tenant)}/trust/{report_id}#bundle", status_code=303)


def _followable(request: Request, tenant: Tenant, sections: Iterable[Section]) -> list[Section]:
    """As they are said, with links to those pages only that the reader may open: a report is read by more roles than
    the access log.
    """
    resource = Resource("access log", tenant.id)
    if house_of(request).gate.allows(actor_of(request), Action.ACCESS_LOG_READ, resource):
        return list(sections)
    return [without_links(each, {"/access"}) for each in sections]


def _rights(request: Request, tenant: Tenant) -> dict[str, Any]:
    actor, gate = actor_of(request), house_of(request).gate
    return {
        "may_publish": gate.allows(actor, Action.TRUST_REPORT_PUBLISH, Resource(NOUN, tenant.id)),
        "may_request": gate.allows(actor, Action.EXPORT_REQUEST, Resource(NOUN, tenant.id)),
        "may_download": gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant.id)),
        "may_trace": gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id)),
    }


routes = [
    Route("/t/{tenant}/trust", reports, methods=["GET"]),
    Route("/t/{tenant}/trust", publish, methods=["POST"]),
    Route("/t/{tenant}/trust/preview", preview, methods=["GET"]),
    Route("/t/{tenant}/trust/{report:uuid}", report, methods=["GET"]),
    Route("/t/{tenant}/trust/{report:uuid}/bundle", request_bundle, methods=["POST"]),
]
