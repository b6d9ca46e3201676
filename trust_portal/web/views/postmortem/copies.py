"""A customer's copies of postmortems, with what was disclosed of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.operations import offered_sides


async def copies(request: Request) -> Response:
    actor, tenant = actor_of(request), await tenant_of(request, purpose="incidents")
    found = await house_of(request).postmortem_copies.list(actor, tenant.id)
    return page(
        request,
        "postmortems/copies.html",
        copies=found,
        **offered_sides(request, tenant),
        **frame(request, tenant),
    )


async def copy(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="incidents")
    found = await house.postmortem_copies.find(actor, tenant.id, request.path_params["copy"])
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id))
    return page(
        request,
        "postmortems/copy.html",
        found=found,
        document=found.document,
        key=tenant.key,
        receipt=f"{tenant_path(tenant)}/receipts/{found.copy.receipt_id}" if may_trace else None,
        may_request=house.gate.allows(actor, Action.EXPORT_REQUEST, Resource("export", tenant.id)),
        may_download=house.gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant.id)),
        **frame(request, tenant),
    )


async def ask_again(request: Request) -> Response:
    """Its bundle, again where making it failed."""
    tenant, copy_id = await tenant_of(request, purpose="bundles"), request.path_params["copy"]
    await house_of(request).postmortem_bundles.of_copy(actor_of(request), tenant.id, copy_id)
    return RedirectResponse(f"{tenant_path(tenant)}/postmortems/{copy_id}#bundle", status_code=303)


async def renew(request: Request) -> Response:
    """A bundle that says by what the copy was superseded; on its page it is shown as it is made."""
    tenant, copy_id = await tenant_of(request, purpose="bundles"), request.path_params["copy"]
    await house_of(request).postmortem_copies.renew(actor_of(request), tenant.id, copy_id)
    return RedirectResponse(f"{tenant_path(tenant)}/postmortems/{copy_id}#renewed", status_code=303)


routes = [
    Route("/t/{tenant}/postmortems", copies, methods=["GET"]),
    Route("/t/{tenant}/postmortems/{copy:uuid}", copy, methods=["GET"]),
    Route("/t/{tenant}/postmortems/{copy:uuid}/bundle", ask_again, methods=["POST"]),
    Route("/t/{tenant}/postmortems/{copy:uuid}/renewed", renew, methods=["POST"]),
]
