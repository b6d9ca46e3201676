"""SLA reports of a tenant: where each period stands, one report whole, and its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.documents import formats
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.actor import Actor
from trust_portal.reliability.findings import State
from trust_portal.reliability.reports.model import KIND
from trust_portal.reliability.reports.record import Head, StoredReport, overtaken_since
from trust_portal.reliability.reports.renderer import bundle_name
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.reports.words import Imprint
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, month_of, page_request, read_form, required, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.periods import offered_of
from trust_portal.web.templating import page
from trust_portal.web.views.credit.of_report import credited


async def reports(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="SLA reports")
    period, state = _period(request), _state(request)
    listed = await house.reports.page(actor, tenant.id, page_request(request), period=period, state=state)
    heads = await house.reports.heads(actor, tenant.id)
    return page(
        request,
        "reports.html",
        status_code=form.status,
        reports=listed,
        heads=heads,
        tallies=await house.reports.tallies(actor, tenant.id, _shown(listed.items, heads)),
        period_choices=[(head.period, formats.period(head.period)) for head in heads],
        period=period,
        state=state,
        filters=urlencode({k: v for k, v in (("of", period), ("state", state)) if v}),
        form=form,
        periods=offered_of(tenant, house.clock.now()),
        may_issue=house.gate.allows(actor, Action.SLA_REPORT_ISSUE, Resource("SLA report", tenant.id)),
        **frame(request, tenant),
    )


async def issue(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="SLA reports"), await read_form(request)
    try:
        command = IssueReport(
            tenant.id, required(form, "period", label="the period"), str(form.get("reason", "")) or None
        )
        report = await house_of(request).reports.issue(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
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
        contradicted_by=_contradiction(found, siblings),
        overtaken_at=await _overtaken(request, tenant, found),
        may_issue=house.gate.allows(actor, Action.SLA_REPORT_RESTATE, Resource("SLA report", tenant.id)),
        **await _evidence(request, actor, tenant, found),
        **await credited(request, tenant, found, document),
        href=_receipt_address(tenant),
        **frame(request, tenant),
    )


async def evidence(request: Request) -> Response:
    """The chain from measuring to the bundle alone, asked for again by the page while something is to come."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="SLA report")
    found = await house.reports.get(actor, tenant.id, request.path_params["report"])
    return page(
        request,
        "report_export.html",
        stored=found,
        report=json.loads(await house.reports.document(actor, tenant.id, found.id)),
        **await _evidence(request, actor, tenant, found),
        **frame(request, tenant),
    )


async def _evidence(request: Request, actor: Actor, tenant: Tenant, report: StoredReport) -> dict[str, Any]:
    """What the report rests on: its receipt with the place in the log, and its bundle."""
    house = house_of(request)
    signed = report.revision is not None
    filed, export = None, None
    if house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id, report.receipt_id)):
        filed = await house.archive.receipt(actor, tenant.id, report.receipt_id)
    if report.revision is not None:
        export = await house.archive.export_of(actor, tenant.id, KIND, report.id, report.revision)
    return {
        "filed": filed,
        "export": export,
        "key": tenant.key,
        "may_request": house.gate.allows(actor, Action.EXPORT_REQUEST, Resource("export", tenant.id)),
        "may_download": house.gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant.id)),
        "imprint": Imprint(
            house.keyring.receipts.key_id,
            report.issued_at,
            bundle_name(tenant.key, report) if signed else "",
            str(report.receipt_id),
        ),
    }


async def request_bundle(request: Request) -> Response:
    """Ask for the bundle of a signed report, again where making it failed."""
    tenant, report_id = await tenant_of(request, purpose="bundles"), request.path_params["report"]
    await house_of(request).bundles.request(actor_of(request), tenant.id, report_id)
    return RedirectResponse(f"{tenant_path(tenant)}/reports/{report_id}", status_code=303)


def _shown(reports: Sequence[StoredReport], heads: Sequence[Head]) -> set[UUID]:
    """Every report of which the list says what became of its objectives."""
    return {each.id for each in reports} | {head.signed_id for head in heads if head.signed_id is not None}


def _contradiction(report: StoredReport, siblings: Sequence[StoredReport]) -> StoredReport | None:
    """The period's newest attempt, where it could not be signed over this signed revision."""
    newest = siblings[-1]
    later = report.revision is not None and newest.attempt > report.attempt
    return newest if later and newest.revision is None else None


async def _overtaken(request: Request, tenant: Tenant, report: StoredReport) -> datetime | None:
    """Since when data received later give other figures than this report, the latest signed one."""
    heads = await house_of(request).reports.heads(actor_of(request), tenant.id)
    return overtaken_since(heads, report.id)


def _period(request: Request) -> str | None:
    """A month as the filter names it; ``InvalidInput`` for what is none."""
    text = request.query_params.get("of")
    return f"{month_of(text, 'of'):%Y-%m}" if text else None


def _state(request: Request) -> State | None:
    text = request.query_params.get("state")
    if not text:
        return None
    try:
        return State(text)
    except ValueError as error:
        raise InvalidInput(f"choose one of {', '.join(State)}", field="state") from error


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
    Route("/t/{tenant}/reports/{report:uuid}/evidence", evidence, methods=["GET"]),
    Route("/t/{tenant}/reports/{report:uuid}/bundle", request_bundle, methods=["POST"]),
]
