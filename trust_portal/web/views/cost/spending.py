"""What a month was spent on by day and subsystem, and the usage events of one day."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.cost.explanation.origins import MOST_EVENTS
from trust_portal.cost.metering.model import SUBSYSTEMS, Series
from trust_portal.errors import InvalidInput
from trust_portal.kernel.money import exponent
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import day_of, month_of
from trust_portal.web.navigation import tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.cost import telling
from trust_portal.web.views.cost.screen import cost_frame


async def spending(request: Request) -> Response:
    actor, house, asked = actor_of(request), house_of(request), request.query_params
    tenant = await tenant_of(request, purpose="cost")
    month = month_of(asked.get("month") or f"{house.clock.now():%Y-%m}", "month")
    currency = _currency(asked.get("currency") or "EUR")
    spent = await house.spending.of_month(actor, tenant.id, month, currency)
    return page(
        request,
        "cost/spending.html",
        spent=spent,
        month=f"{month:%Y-%m}",
        currency=currency,
        **cost_frame(request, tenant),
    )


async def day(request: Request) -> Response:
    actor, house, asked = actor_of(request), house_of(request), request.path_params
    tenant = await tenant_of(request, purpose="usage")
    subsystem, at = str(asked["subsystem"]), day_of(asked["day"], "day")
    if subsystem not in SUBSYSTEMS:
        raise InvalidInput(f"choose one of {', '.join(SUBSYSTEMS)}", field="subsystem")
    series = Series(subsystem, _currency(str(asked["currency"])))
    found = await house.spending.of_day(actor, tenant.id, series, at)
    return page(
        request,
        "cost/spending_day.html",
        series=series,
        day=at,
        origins=found,
        shown=sum((each.cost for each in found.events), Decimal(0)),
        digits=telling.digits_of([each.cost for each in found.events]),
        most=MOST_EVENTS,
        **cost_frame(request, tenant),
    )


def _currency(text: str) -> str:
    exponent(text)
    return text


routes = [
    Route("/t/{tenant}/cost/spending", spending, methods=["GET"]),
    Route("/t/{tenant}/cost/spending/{subsystem}/{currency}/{day}", day, methods=["GET"]),
]
