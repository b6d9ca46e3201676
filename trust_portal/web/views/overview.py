"""A tenant's first page: where its promises stand, and the way to everything else."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.period import month_label, zone
from trust_portal.reliability.contracts.in_force import in_force
from trust_portal.reliability.reports.record import Head
from trust_portal.trust.report.model import NOUN
from trust_portal.trust.sections.document import sections_of
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.credit.of_report import credited


async def overview(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="overview")
    heads: tuple[Head, ...] = ()
    report, stored = None, None
    may_read = house.gate.allows(actor, Action.SLA_REPORT_READ, Resource("SLA report", tenant.id))
    if may_read:
        heads = await house.reports.heads(actor, tenant.id)
        signed = next((head.signed_id for head in heads if head.signed_id), None)
        if signed is not None:
            stored = await house.reports.get(actor, tenant.id, signed)
            report = json.loads(await house.reports.document(actor, tenant.id, signed))
    trusted = None
    if house.gate.allows(actor, Action.TRUST_REPORT_READ, Resource(NOUN, tenant.id)):
        trusted = await house.trust_reports.newest(actor, tenant.id)
    return page(
        request,
        "overview.html",
        trusted=trusted,
        trust_sections=() if trusted is None else sections_of(trusted.document),
        profile=tenant,
        added="added" in request.query_params and actor.is_staff,
        heads=heads,
        stored=stored,
        report=report,
        may_read=may_read,
        under_contract=None if report or not may_read else await _is_under_contract(request, tenant),
        **({} if stored is None or report is None else await credited(request, tenant, stored, report)),
        may_prove=house.gate.allows(actor, Action.RECEIPT_READ, Resource("trust policy", tenant.id)),
        **frame(request, tenant),
    )


async def _is_under_contract(request: Request, tenant: Tenant) -> bool | None:
    """Whether a version of its contract governs the running month; ``None`` for who may not read contracts."""
    actor, house = actor_of(request), house_of(request)
    if not house.gate.allows(actor, Action.CONTRACT_READ, Resource("contract", tenant.id)):
        return None
    versions = await house.contracts.versions(actor, tenant.id)
    running = month_label(house.clock.now().astimezone(zone(tenant.time_zone)))
    return in_force([each.contract for each in versions], running) is not None


routes = [Route("/t/{tenant}", overview, methods=["GET"])]
