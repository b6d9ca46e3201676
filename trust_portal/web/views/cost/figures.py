"""Whether the loop works for a tenant: unexplained spend, times, false alarms."""

from __future__ import annotations

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


routes = [Route("/t/{tenant}/cost/figures", figures, methods=["GET"])]
