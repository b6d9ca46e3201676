"""What the vendor told of its operation, year by year: incidents and maintenance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput
from trust_portal.learning.postmortems.model import NOUN as POSTMORTEM
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.incidents import KINDS, stamps_of


async def incidents(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="incidents")
    year = _year(request)
    found = await house_of(request).customer_incidents.of_tenant(actor_of(request), tenant.id, *_span(year))
    return _page(request, tenant, "incidents.html", year, incidents=found, kinds=KINDS, stamps_of=stamps_of)


async def maintenance(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="maintenance")
    year = _year(request)
    found = await house_of(request).operations.maintenance(actor_of(request), tenant.id, *_span(year))
    return _page(request, tenant, "maintenance.html", year, windows=found)


def _page(request: Request, tenant: Tenant, template: str, year: int, **context: Any) -> Response:
    house = house_of(request)
    this = house.clock.now().year
    return page(
        request,
        template,
        year=year,
        may_read_postmortems=house.gate.allows(
            actor_of(request), Action.POSTMORTEM_READ, Resource(POSTMORTEM, tenant.id)
        ),
        year_choices=[
            (str(each), str(each))
            for each in range(max(this, year), min(tenant.onboarded_at.year, year) - 1, -1)
        ],
        **context,
        **frame(request, tenant),
    )


def _year(request: Request) -> int:
    """``?year=``, by default the present one (UTC)."""
    text = request.query_params.get("year")
    if not text:
        return house_of(request).clock.now().year
    if len(text) != 4 or not text.isascii() or not text.isdigit() or not 2000 <= int(text) <= 2199:
        raise InvalidInput("write the year with four digits", field="year")
    return int(text)


def _span(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


routes = [
    Route("/t/{tenant}/incidents", incidents, methods=["GET"]),
    Route("/t/{tenant}/maintenance", maintenance, methods=["GET"]),
]
