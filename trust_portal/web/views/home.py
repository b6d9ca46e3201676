"""The start: everybody is led to the work of their role; who has no role learns why there is none."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.web.context import actor_or_none, house_of
from trust_portal.web.homes import customer_home, staff_home
from trust_portal.web.navigation import tenant_path
from trust_portal.web.templating import page


async def home(request: Request) -> Response:
    actor = actor_or_none(request)
    if actor is None:
        return RedirectResponse("/sign-in", status_code=303)
    if not actor.roles:
        return page(request, "no_role.html", person=actor.name)
    if actor.is_staff:
        return RedirectResponse(staff_home(actor.roles), status_code=303)
    tenant = await house_of(request).tenants.get(actor, actor.tenant_id)
    return RedirectResponse(customer_home(tenant_path(tenant)), status_code=303)


routes = [Route("/", home, methods=["GET"])]
