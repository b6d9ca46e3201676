"""What was promised to a tenant: objectives, and contract versions word for word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import NotFound
from trust_portal.reliability.contracts.difference import difference
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.objectives.model import Objective
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.navigation import tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.promises import promise_frame


async def contracts(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="contracts")
    versions = await house.contracts.versions(actor, tenant.id)
    objectives: tuple[Objective, ...] = ()
    unmapped: dict[str, datetime] = {}
    if house.gate.allows(actor, Action.OBJECTIVE_READ, Resource("objective", tenant.id)):
        objectives = await house.objectives.of_tenant(actor, tenant.id)
        unmapped = await house.objectives.undefined(actor, tenant.id)
    return page(
        request,
        "contracts.html",
        versions=versions,
        objectives=objectives,
        unmapped=unmapped,
        **promise_frame(request, tenant),
    )


async def contract(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="contracts")
    versions = await house_of(request).contracts.versions(actor_of(request), tenant.id)
    names = [each.version for each in versions]
    name = request.path_params["version"]
    if name not in names:
        raise NotFound("contract")
    found = versions[names.index(name)]
    other = _other(versions, found, request.query_params.get("against"))
    return page(
        request,
        "contract.html",
        version=found,
        others=[(each.version, each.version) for each in versions if each is not found],
        other=other,
        changes=() if other is None else difference(other.contract, found.contract),
        **promise_frame(request, tenant),
    )


def _other(
    versions: Sequence[ContractVersion], version: ContractVersion, named: str | None
) -> ContractVersion | None:
    """What to compare with: the version named, or the one recorded before; ``None`` for a first one."""
    if named:
        return next((each for each in versions if each.version == named), None)
    at = versions.index(version)
    return versions[at - 1] if at else None


async def contract_source(request: Request) -> Response:
    """The document byte for byte, so that its digest can be compared."""
    tenant = await tenant_of(request, purpose="contracts")
    version = request.path_params["version"]
    content = await house_of(request).contracts.source(actor_of(request), tenant.id, version)
    return attachment(content, "application/yaml", f"{tenant.key}-{version}.yaml")


routes = [
    Route("/t/{tenant}/contracts", contracts, methods=["GET"]),
    Route("/t/{tenant}/contracts/{version}", contract, methods=["GET"]),
    Route("/t/{tenant}/contracts/{version}/source", contract_source, methods=["GET"]),
]
