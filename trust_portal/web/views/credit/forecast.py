"""Where the running month is heading: who may see it, and how likely in words."""

from __future__ import annotations

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.reliability.forecast.model import FLAG, NOUN, Forecast
from trust_portal.web.context import actor_of, house_of


async def forecast_of(request: Request, tenant: Tenant) -> Forecast | None:
    """The forecast for whoever may see it; ``None`` for everybody else, and while it is off."""
    actor, house = actor_of(request), house_of(request)
    if not house.gate.allows(actor, Action.CREDIT_FORECAST_READ, Resource(NOUN, tenant.id)):
        return None
    return await house.forecasts.of_tenant(actor, tenant.id)


def may_switch(request: Request) -> bool:
    """Whether the reader may turn it on or off."""
    resource = Resource.of_house("flag", FLAG)
    return house_of(request).gate.allows(actor_of(request), Action.CREDIT_FORECAST_SET, resource)


def likely(likelihood: float) -> str:
    """In whole percent, and never certain before it is."""
    if likelihood in {0.0, 1.0}:
        return "certain" if likelihood else "no longer possible"
    percent = round(likelihood * 100)
    if percent < 1:
        return "less than 1 %"
    return "more than 99 %" if percent > 99 else f"about {percent} %"
