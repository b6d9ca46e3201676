"""What is said in a draft, judged, and signed."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.trust.qbr.ids import RECOMMENDATIONS
from trust_portal.trust.qbr.model import (
    Audience,
    EntryKind,
    IssueQbr,
    Review,
    Say,
    Verdict,
)
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, read_form, required, texts
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.views.acknowledging import acknowledgements_of
from trust_portal.web.views.qbr.one import draft
from trust_portal.web.views.qbr.screen import PURPOSE


async def say(request: Request) -> Response:
    """A comment, or an omission; nothing written takes it back."""
    tenant, form = await tenant_of(request, purpose=PURPOSE), await read_form(request)
    given = texts(form)
    section = given.get("section", "")
    try:
        command = Say(
            tenant.id,
            required(form, "period"),
            one_of(EntryKind, form.get("kind"), "kind") or EntryKind.COMMENT,
            section,
            given.get("text", ""),
            one_of(Audience, form.get("audience"), "audience") or Audience.CUSTOMER,
        )
        await house_of(request).qbrs.say(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, given, refusal)
    return _to_draft(request, tenant, f"#section-{section}")


async def judge(request: Request) -> Response:
    """A recommendation is accepted or declined."""
    tenant, form = await tenant_of(request, purpose=PURPOSE), await read_form(request)
    given = texts(form)
    try:
        verdict = one_of(Verdict, form.get("verdict"), "verdict")
        if verdict is None:
            raise InvalidInput("accept or decline it", field="verdict")
        command = Review(
            tenant.id,
            required(form, "period"),
            required(form, "recommendation"),
            required(form, "seen"),
            verdict,
            required(form, "why", label="the reason"),
        )
        await house_of(request).qbrs.review(command, actor_of(request))
    except Refused as refusal:
        if refusal.field in {"reason", "why"}:
            refusal.field = f"why-{given.get('recommendation', '')}"
        return await _refused(request, given, refusal)
    return _to_draft(request, tenant, f"#section-{RECOMMENDATIONS}")


async def issue(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=PURPOSE), await read_form(request)
    given = texts(form)
    qbr_id: UUID = request.path_params["qbr"]
    try:
        command = IssueQbr(
            tenant.id,
            qbr_id,
            acknowledgements_of(given),
            given.get("reason") or None,
            _count(given["entries"]) if given.get("entries") else None,
        )
        await house_of(request).qbrs.issue(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, given, refusal)
    return RedirectResponse(f"{tenant_path(tenant)}/qbr/{qbr_id}", status_code=303)


async def request_bundle(request: Request) -> Response:
    """Have the bundle of an issued one made again where that failed."""
    tenant, qbr_id = await tenant_of(request, purpose=PURPOSE), request.path_params["qbr"]
    await house_of(request).trust_bundles.of_qbr(actor_of(request), tenant.id, qbr_id)
    return RedirectResponse(f"{tenant_path(tenant)}/qbr/{qbr_id}#bundle", status_code=303)


async def _refused(request: Request, given: Mapping[str, str], refusal: Refused) -> Response:
    if not refusal.mendable:
        raise refusal
    return await draft(request, FormState(given, refusal))


def _to_draft(request: Request, tenant: Tenant, place: str) -> Response:
    path = f"{tenant_path(tenant)}/qbr/{request.path_params['qbr']}/draft{place}"
    return RedirectResponse(path, status_code=303)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidInput("how many entries were read", field="entries")
    return int(text)


routes = [
    Route("/t/{tenant}/qbr/{qbr:uuid}/say", say, methods=["POST"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/review", judge, methods=["POST"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/issue", issue, methods=["POST"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/bundle", request_bundle, methods=["POST"]),
]
