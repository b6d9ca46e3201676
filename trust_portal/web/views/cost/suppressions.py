"""What is to raise nothing for a while: who said so, why and until when."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.suppressions_model import LONGEST, CreateSuppression, EndSuppression
from trust_portal.errors import Refused
from trust_portal.kernel.names import require_words
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, moment_of, page_request, read_form, texts, together
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.cost.screen import SUBSYSTEM_CHOICES, cost_frame, subsystem_of


async def suppressions(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="suppressions")
    now = house.clock.now().replace(second=0, microsecond=0)
    resource = Resource("suppression", tenant.id)
    return page(
        request,
        "cost/suppressions.html",
        status_code=form.status,
        listed=await house.suppressions.page(actor, tenant.id, page_request(request)),
        now=now,
        proposed=(_local(now), _local(now + timedelta(hours=24))),
        longest=LONGEST.days,
        for_everybody=tenant.is_vendor,
        subsystem_choices=SUBSYSTEM_CHOICES,
        form=form,
        may_create=house.gate.allows(actor, Action.SUPPRESSION_CREATE, resource),
        may_end=house.gate.allows(actor, Action.SUPPRESSION_END, resource),
        **cost_frame(request, tenant),
    )


async def create(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="suppressions"), await read_form(request)
    try:
        subsystem, starts_at, ends_at, reason = together(
            lambda: subsystem_of(form.get("subsystem")),
            lambda: moment_of(form.get("starts_at"), "starts_at"),
            lambda: moment_of(form.get("ends_at"), "ends_at"),
            lambda: require_words(str(form.get("reason", "")), "reason"),
        )
        command = CreateSuppression(tenant.id, subsystem, reason, starts_at, ends_at)
        await house_of(request).suppressions.create(command, actor_of(request))
    except Refused as refusal:
        return await _again(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/suppressions", status_code=303)


async def end(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="suppressions"), await read_form(request)
    try:
        command = EndSuppression(
            tenant.id, request.path_params["suppression"], str(form.get("end_reason", ""))
        )
        await house_of(request).suppressions.end(command, actor_of(request))
    except Refused as refusal:
        return await _again(request, FormState({}, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/suppressions", status_code=303)


async def _again(request: Request, form: FormState) -> Response:
    """The page with what was refused; a refusal of the caller is its own page."""
    if form.refusal is not None and not form.refusal.mendable:
        raise form.refusal
    return await suppressions(request, form)


def _local(at: object) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


routes = [
    Route("/t/{tenant}/cost/suppressions", suppressions, methods=["GET"]),
    Route("/t/{tenant}/cost/suppressions", create, methods=["POST"]),
    Route("/t/{tenant}/cost/suppressions/{suppression:uuid}/end", end, methods=["POST"]),
]
