"""Contract versions of a tenant: what was promised, from when, word for word."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page


async def contracts(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="contracts")
    versions = await house_of(request).contracts.versions(actor_of(request), tenant.id)
    return page(request, "contracts.html", versions=versions, **frame(request, tenant))


async def contract(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="contracts")
    found = await house_of(request).contracts.get(
        actor_of(request), tenant.id, request.path_params["version"]
    )
    return page(request, "contract.html", version=found, **frame(request, tenant))


routes = [
    Route("/t/{tenant}/contracts", contracts, methods=["GET"]),
    Route("/t/{tenant}/contracts/{version}", contract, methods=["GET"]),
]
