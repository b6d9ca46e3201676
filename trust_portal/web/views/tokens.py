"""API tokens of a tenant: issue, list, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import CUSTOMER_SCOPES, Action, TokenScope
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tokens.model import Bounds, CreateToken
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, page_request, read_form, required, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.once import show_once, shown_once, taken
from trust_portal.web.templating import page

#: What a token of each scope may do; never more than the person who issues it may.
_SCOPES: Final = {
    TokenScope.ADMIN: "Adds and ends customers, imports contracts, objectives and assessments.",
    TokenScope.INGEST: "Sends events of the sources named below, and reads nothing.",
    TokenScope.OPERATE: (
        "Does what you may do, such as claiming a credit, judging an anomaly or asking for a bundle; "
        "nothing with people, tokens or approvals. To read the answer it needs “Read” as well."
    ),
    TokenScope.READ: "Reads what you may read, and changes nothing.",
}


async def tokens(request: Request, form: FormState = FormState()) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request)
    listed = await house.tokens.page(actor, tenant.id, page_request(request))
    shown = page(
        request,
        "tokens.html",
        status_code=form.status,
        tokens=listed,
        form=form,
        issued=shown_once(request, "secret"),
        now=house.clock.now(),
        scope_words=_SCOPES,
        scopes=sorted(TokenScope if tenant.is_vendor else CUSTOMER_SCOPES),
        vendors=tenant.is_vendor,
        may_create=house.gate.allows(actor, Action.TOKEN_CREATE, Resource("token", tenant.id)),
        **frame(request, tenant),
    )
    return taken(request, shown)


async def create_token(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        issued = await house_of(request).tokens.create(_command(tenant, form), actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await tokens(request, FormState(texts(form), refusal))
    return show_once(request, f"{tenant_path(tenant)}/tokens", secret=issued.secret)


async def revoke_token(request: Request) -> Response:
    tenant = await tenant_of(request)
    await house_of(request).tokens.revoke(actor_of(request), tenant.id, request.path_params["token"])
    return RedirectResponse(f"{tenant_path(tenant)}/tokens", status_code=303)


def _command(tenant: Tenant, form: FormData) -> CreateToken:
    def scopes() -> frozenset[TokenScope]:
        try:
            return frozenset(TokenScope(str(each)) for each in form.getlist("scopes"))
        except ValueError as error:
            raise InvalidInput("choose from what the form offers", field="scopes") from error

    def life() -> timedelta:
        try:
            return timedelta(days=int(required(form, "days", label="how long it lives")))
        except (ValueError, OverflowError) as error:
            raise InvalidInput("choose from what the form offers", field="days") from error

    label, chosen, lives = together(lambda: required(form, "label", label="the label"), scopes, life)
    sources = tuple(line.strip() for line in str(form.get("sources", "")).splitlines() if line.strip())
    return CreateToken(tenant.id, label, chosen, Bounds(sources=sources), lives)


routes = [
    Route("/t/{tenant}/tokens", tokens, methods=["GET"]),
    Route("/t/{tenant}/tokens", create_token, methods=["POST"]),
    Route("/t/{tenant}/tokens/{token:uuid}/revoke", revoke_token, methods=["POST"]),
]
