"""The credits of one customer, with what is due and what was claimed; and those of everybody, for staff."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.documents import formats
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.page import PageRequest
from trust_portal.kernel.period import parse_period
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.credits.model import ClaimCredit, CreditState, ProposeCredit
from trust_portal.reliability.forecast.calculation import FEWEST_DAYS
from trust_portal.reliability.forecast.model import SetForecast
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, page_request, read_form, required, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.periods import offered_of_everybody
from trust_portal.web.templating import page
from trust_portal.web.views.credit.forecast import forecast_of, likely, may_switch
from trust_portal.web.views.credit.words import KINDS, STATE_CHOICES, STATES, money_of

#: Claims shown below the credits; there is hardly ever more than one a month.
_CLAIMS = 12


async def credits_of(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="credits")
    asked = _asked(request)
    resource = Resource("credit", tenant.id)
    heads = await house.reports.heads(actor, tenant.id)
    return page(
        request,
        "credits/list.html",
        status_code=form.status,
        listed=await house.credits.page(actor, tenant.id, page_request(request), **asked),
        due=await house.credits.due(actor, tenant.id),
        claims=await house.credits.claims(actor, tenant.id, PageRequest(_CLAIMS)),
        periods=[(each.period, formats.period(each.period)) for each in heads if each.signed_id],
        form=form,
        forecast=await forecast_of(request, tenant),
        fewest_days=FEWEST_DAYS,
        likely=likely,
        truncated=truncated_percent,
        may_propose=house.gate.allows(actor, Action.CREDIT_PROPOSE, resource),
        may_claim=house.gate.allows(actor, Action.CREDIT_CLAIM, resource),
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, resource),
        **_shown(asked),
        **frame(request, tenant),
    )


async def everybodys(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    asked = _asked(request)
    listed = await house.credits.everybodys(actor, page_request(request), **asked)
    return page(
        request,
        "credits/everybody.html",
        status_code=form.status,
        listed=listed,
        form=form,
        flag=await house.forecasts.flag(actor),
        may_switch=may_switch(request),
        periods=offered_of_everybody(house.clock.now()),
        tenants=await house.tenants.named(actor, {each.tenant_id for each in listed.items}),
        **_shown(asked),
        **frame(request),
    )


async def propose(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="credits"), await read_form(request)
    try:
        command = ProposeCredit(
            tenant.id,
            required(form, "period", label="the period"),
            _revision(form.get("revision")),
            str(form.get("reason", "")),
        )
        credit = await house_of(request).credit_proposals.propose(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await credits_of(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/credits/{credit.id}", status_code=303)


async def claim(request: Request) -> Response:
    """A refused claim is on record like an accepted one, so both lead to the list that shows them."""
    tenant, form = await tenant_of(request, purpose="credits"), await read_form(request)
    try:
        command = ClaimCredit(
            tenant.id, required(form, "period", label="the period"), str(form.get("reason", ""))
        )
        await house_of(request).credit_proposals.claim(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await credits_of(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/credits#claims", status_code=303)


async def switch_forecast(request: Request) -> Response:
    form = await read_form(request)
    try:
        command = SetForecast(form.get("enabled") == "yes", str(form.get("reason", "")))
        await house_of(request).forecasts.set(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await everybodys(request, FormState(texts(form), refusal))
    return RedirectResponse("/credits#forecast", status_code=303)


def _asked(request: Request) -> dict[str, Any]:
    """What the address asks for: ``?of=2026-06&state=approved``."""
    period = request.query_params.get("of") or None
    if period is not None:
        parse_period(period, "UTC", field="of")
    return {"period": period, "state": one_of(CreditState, request.query_params.get("state"), "state")}


def _shown(asked: dict[str, Any]) -> dict[str, Any]:
    filters = urlencode(
        {key: value for key, value in (("of", asked["period"]), ("state", asked["state"])) if value}
    )
    return {
        **asked,
        "filters": filters,
        "states": STATES,
        "state_choices": STATE_CHOICES,
        "kinds": KINDS,
        "money_of": money_of,
    }


def _revision(text: object) -> int | None:
    """The revision of the report that was looked at; nothing for nothing."""
    if not text:
        return None
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 8):
        raise InvalidInput("a revision is a whole number", field="revision")
    return int(text)


routes = [
    Route("/credits", everybodys, methods=["GET"]),
    Route("/credits/forecast", switch_forecast, methods=["POST"]),
    Route("/t/{tenant}/credits", credits_of, methods=["GET"]),
    Route("/t/{tenant}/credits", propose, methods=["POST"]),
    Route("/t/{tenant}/credits/claims", claim, methods=["POST"]),
]
