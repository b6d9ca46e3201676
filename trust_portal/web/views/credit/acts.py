"""What people do with one credit: issue, reject, void, and ask for its memo's bundle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import Refused
from trust_portal.reliability.credits.model import IssueCredit, RejectCredit, VoidCredit
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, required, texts, together
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.views.credit.one import credit


async def issue(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> None:
        reference, amount = together(
            lambda: required(form, "reference", label="the reference in the billing system"),
            lambda: required(form, "amount", label="the amount that was booked"),
        )
        command = IssueCredit(tenant.id, _id(request), reference, amount)
        await house_of(request).credit_issues.issue(command, actor_of(request))

    return await _done(request, act)


async def reject(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> None:
        digest, reason = str(form.get("digest", "")), str(form.get("reject_reason", ""))
        command = RejectCredit(tenant.id, _id(request), digest, reason)
        await house_of(request).credit_decisions.reject(command, actor_of(request))

    return await _done(request, act)


async def void(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> None:
        command = VoidCredit(tenant.id, _id(request), str(form.get("void_reason", "")))
        await house_of(request).credit_decisions.void(command, actor_of(request))

    return await _done(request, act)


async def request_bundle(request: Request) -> Response:
    async def act(tenant: Tenant, form: FormData) -> None:
        del form
        await house_of(request).credits.request_bundle(actor_of(request), tenant.id, _id(request))

    return await _done(request, act)


async def _done(request: Request, act: Callable[[Tenant, FormData], Awaitable[None]]) -> Response:
    """Back to the credit: as it now stands, or with the reason why nothing was changed."""
    tenant, form = await tenant_of(request, purpose="credit"), await read_form(request)
    try:
        await act(tenant, form)
    except Refused as refusal:
        if refusal.bare:
            raise
        return await credit(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/credits/{_id(request)}", status_code=303)


def _id(request: Request) -> UUID:
    found: UUID = request.path_params["credit"]
    return found


_ONE = "/t/{tenant}/credits/{credit:uuid}"
routes = [
    Route(f"{_ONE}/bundle", request_bundle, methods=["POST"]),
    Route(f"{_ONE}/issue", issue, methods=["POST"]),
    Route(f"{_ONE}/reject", reject, methods=["POST"]),
    Route(f"{_ONE}/void", void, methods=["POST"]),
]
