"""Who looked at a tenant's things, and by which rules: the access log and the policies."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import page_request
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page


async def access_log(request: Request) -> Response:
    tenant = await tenant_of(request)
    entries = await house_of(request).access_log.page(actor_of(request), tenant.id, page_request(request))
    return page(request, "access_log.html", entries=entries, **frame(request, tenant))


async def policies(request: Request) -> Response:
    house = house_of(request)
    await house.gate.require(actor_of(request), Action.POLICIES_READ, Resource.of_house("policies"))
    return page(request, "policies.html", policies=house.gate.policies, **frame(request))


routes = [
    Route("/t/{tenant}/access", access_log, methods=["GET"]),
    Route("/policies", policies, methods=["GET"]),
]
