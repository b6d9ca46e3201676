"""Whether the loop works for a tenant: unexplained spend, times, false alarms."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.cost.screen import cost_frame


async def figures(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="cost")
    found = await house_of(request).cost_kpis.of_tenant(actor_of(request), tenant.id)
    return page(request, "cost/figures.html", figures=found, **cost_frame(request, tenant))


async def metrics(request: Request) -> Response:
    """The same for monitoring: a customer's own figures are no affair of the open ``/metrics``."""
    tenant = await tenant_of(request, purpose="cost")
    said = await house_of(request).cost_kpis.exposition(actor_of(request), tenant.id)
    return Response(said, media_type=CONTENT_TYPE_LATEST)


routes = [
    Route("/t/{tenant}/cost/figures", figures, methods=["GET"]),
    Route("/t/{tenant}/cost/metrics", metrics, methods=["GET"]),
]
