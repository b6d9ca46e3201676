"""The vendor's list of customers, and adding one."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.kernel.page import Page
from trust_portal.kernel.period import month_label, previous_label, zone
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import (
    FormState,
    day_of,
    page_request,
    read_form,
    required,
    texts,
    together,
)
from trust_portal.web.navigation import frame, tenant_path
from trust_portal.web.periods import offered_of_everybody
from trust_portal.web.templating import page


async def tenants(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    period = request.query_params.get("period") or previous_label(month_label(house.clock.now()))
    standings = house.gate.allows(actor, Action.SLA_RUN_READ, Resource.of_house("SLA overview"))
    listed: Page[Any] = (
        await house.overview.page(actor, period, page_request(request))
        if standings
        else await house.tenants.page(actor, page_request(request))
    )
    runs = await house.runs.newest(actor) if standings else ()
    return page(
        request,
        "tenants.html",
        status_code=form.status,
        listed=listed,
        standings=standings,
        period=period,
        periods=offered_of_everybody(house.clock.now()),
        first_steps=not listed.items and not request.query_params.keys() & {"after", "before"},
        run_known=any(each.period == period for each in runs),
        form=form,
        may_create=house.gate.allows(actor, Action.TENANTS_CREATE, Resource.of_house("tenant")),
        **frame(request),
    )


async def create_tenant(request: Request) -> Response:
    form = await read_form(request)
    onboarded = texts(form).get("onboarded_at")
    try:
        name, key, time_zone, first_day = together(
            lambda: required(form, "name", label="the name"),
            lambda: required(form, "key", label="the key"),
            lambda: required(form, "time_zone", label="the time zone"),
            lambda: day_of(onboarded, "onboarded_at") if onboarded else None,
        )
        onboarded_at = None if first_day is None else datetime.combine(first_day, time(), zone(time_zone))
        residency = str(form.get("residency", "")).strip()
        command = CreateTenant(key, name, time_zone, residency, onboarded_at)
        tenant = await house_of(request).tenants.create(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await tenants(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}?added=now", status_code=303)


routes = [
    Route("/tenants", tenants, methods=["GET"]),
    Route("/tenants", create_tenant, methods=["POST"]),
]
