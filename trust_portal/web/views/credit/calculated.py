"""One calculation whole: what it rests on, every rule, and the bytes whose digest is signed."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import NotFound
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.credit.words import money_of


async def calculation(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="credits")
    id_ = request.path_params["calculation"]
    made = next((each for each in await house.credits.calculations(actor, tenant.id) if each.id == id_), None)
    if made is None:
        raise NotFound("calculation of a credit")
    return page(
        request,
        "credits/calculation.html",
        calculation=made,
        body=json.loads(await house.credits.calculation(actor, tenant.id, id_)),
        money_of=money_of,
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id)),
        **frame(request, tenant),
    )


async def source(request: Request) -> Response:
    """The RFC 8785 bytes."""
    tenant, id_ = await tenant_of(request, purpose="credits"), request.path_params["calculation"]
    data = await house_of(request).credits.calculation_source(actor_of(request), tenant.id, id_)
    return attachment(data, "application/json", f"{tenant.key}-credit-calculation-{id_}.json")


_ONE = "/t/{tenant}/credits/calculations/{calculation:uuid}"
routes = [
    Route(_ONE, calculation, methods=["GET"]),
    Route(f"{_ONE}/source", source, methods=["GET"]),
]
