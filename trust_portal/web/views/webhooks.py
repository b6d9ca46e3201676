"""Endpoints of a tenant: set up, change, test, rotate, disable."""

from __future__ import annotations

from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.notifications.model import (
    ActOnEndpoint,
    ChangeEndpoint,
    CreateEndpoint,
    EndpointSecret,
)
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.page import PageRequest
from trust_portal.notify.log import DeliveryFilter
from trust_portal.notify.standard_webhooks import Ed25519Public
from trust_portal.notify.topics import RULES, Topic, subscribable
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, required, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.once import show_once, shown_once, taken
from trust_portal.web.templating import page

_FORBIDDEN = frozenset({401, 403, 404})


async def webhooks(request: Request, form: FormState = FormState()) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request)
    return page(
        request,
        "notifications/webhooks.html",
        status_code=form.status,
        endpoints=await house.endpoints.of_tenant(actor, tenant.id),
        form=form,
        topics=subscribable(by_customer=not tenant.is_vendor),
        rules=RULES,
        may_create=house.gate.allows(actor, Action.WEBHOOK_CREATE, Resource("webhook", tenant.id)),
        **frame(request, tenant),
    )


async def create(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        command = CreateEndpoint(tenant.id, *_described(request, form))
        made = await house_of(request).endpoints.create(command, actor_of(request))
    except Refused as refusal:
        if refusal.status in _FORBIDDEN:
            raise
        return await webhooks(request, FormState(texts(form), refusal))
    return _with_secret(request, tenant, made)


async def webhook(request: Request) -> Response:
    return await _webhook(request, await tenant_of(request), request.path_params["webhook"])


async def change(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    endpoint_id: UUID = request.path_params["webhook"]
    try:
        command = ChangeEndpoint(
            tenant.id,
            endpoint_id,
            *_described(request, form),
            str(form.get("reason", "")),
            _revision(form),
        )
        await house_of(request).endpoints.change(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, tenant, FormState(texts(form), refusal))
    return _back(tenant, endpoint_id)


async def test(request: Request) -> Response:
    tenant, endpoint_id = await tenant_of(request), request.path_params["webhook"]
    try:
        await house_of(request).endpoints.test(actor_of(request), tenant.id, endpoint_id)
    except Refused as refusal:
        return await _refused(request, tenant, FormState({}, refusal))
    return _back(tenant, endpoint_id)


async def rotate(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        made = await house_of(request).endpoints.rotate(
            _act(request, tenant, form, "rotate_reason"), actor_of(request)
        )
    except Refused as refusal:
        return await _refused(request, tenant, FormState(texts(form), refusal), "rotate_reason")
    return _with_secret(request, tenant, made)


async def disable(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        await house_of(request).endpoints.disable(
            _act(request, tenant, form, "disable_reason"), actor_of(request)
        )
    except Refused as refusal:
        return await _refused(request, tenant, FormState(texts(form), refusal), "disable_reason")
    return _back(tenant, request.path_params["webhook"])


async def enable(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        await house_of(request).endpoints.enable(
            _act(request, tenant, form, "enable_reason"), actor_of(request)
        )
    except Refused as refusal:
        return await _refused(request, tenant, FormState(texts(form), refusal), "enable_reason")
    return _back(tenant, request.path_params["webhook"])


async def _webhook(
    request: Request,
    tenant: Tenant,
    endpoint_id: UUID,
    form: FormState = FormState(),
) -> Response:
    actor, house = actor_of(request), house_of(request)
    revisions = await house.endpoints.history(actor, tenant.id, endpoint_id)
    wanted = DeliveryFilter(tenant.id, recipient_id=endpoint_id)
    resource = Resource("webhook", tenant.id, endpoint_id)
    shown = page(
        request,
        "notifications/webhook.html",
        status_code=form.status,
        endpoint=revisions[0],
        revisions=revisions,
        secret=shown_once(request, "secret"),
        public_key=Ed25519Public(house.keyring.webhooks.public_key).text,
        log=await house.delivery_log.page(actor, wanted, PageRequest(10)),
        form=form,
        topics=subscribable(by_customer=not tenant.is_vendor),
        rules=RULES,
        may_change=house.gate.allows(actor, Action.WEBHOOK_CHANGE, resource),
        may_disable=house.gate.allows(actor, Action.WEBHOOK_DISABLE, resource),
        now=house.clock.now(),
        **frame(request, tenant),
    )
    return taken(request, shown)


async def _refused(request: Request, tenant: Tenant, form: FormState, reason: str = "reason") -> Response:
    """The page with what was refused; a refusal of the caller is its own page. ``reason``: where it is typed."""
    if form.refusal is not None and form.refusal.status in _FORBIDDEN:
        raise form.refusal
    if form.refusal is not None and form.refusal.field == "reason":
        form.refusal.field = reason
    return await _webhook(request, tenant, request.path_params["webhook"], form)


def _act(request: Request, tenant: Tenant, form: FormData, reason: str) -> ActOnEndpoint:
    return ActOnEndpoint(tenant.id, request.path_params["webhook"], str(form.get(reason, "")))


def _revision(form: FormData) -> int | None:
    """The one that was shown; without it the change is of whatever holds now."""
    text = str(form.get("revision", ""))
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidInput("which revision was shown", field="revision")
    return int(text)


def _described(request: Request, form: FormData) -> tuple[str, str, frozenset[Topic]]:
    """Name, URL and topics; all that are wrong at once."""

    def url() -> str:
        typed = required(form, "url", label="the URL")
        house_of(request).endpoints.require_url(typed)
        return typed

    return together(lambda: required(form, "label", label="the name"), url, lambda: _topics(form))


def _topics(form: FormData) -> frozenset[Topic]:
    try:
        return frozenset(Topic(str(each)) for each in form.getlist("topics"))
    except ValueError as error:
        raise InvalidInput("choose from what the form offers", field="topics") from error


def _with_secret(request: Request, tenant: Tenant, made: EndpointSecret) -> Response:
    path = f"{tenant_path(tenant)}/webhooks/{made.endpoint.id}"
    return show_once(request, path, secret=made.secret)


def _back(tenant: Tenant, endpoint_id: UUID) -> RedirectResponse:
    return RedirectResponse(f"{tenant_path(tenant)}/webhooks/{endpoint_id}", status_code=303)


routes = [
    Route("/t/{tenant}/webhooks", webhooks, methods=["GET"]),
    Route("/t/{tenant}/webhooks", create, methods=["POST"]),
    Route("/t/{tenant}/webhooks/{webhook:uuid}", webhook, methods=["GET"]),
    Route("/t/{tenant}/webhooks/{webhook:uuid}/change", change, methods=["POST"]),
    Route("/t/{tenant}/webhooks/{webhook:uuid}/disable", disable, methods=["POST"]),
    Route("/t/{tenant}/webhooks/{webhook:uuid}/enable", enable, methods=["POST"]),
    Route("/t/{tenant}/webhooks/{webhook:uuid}/rotate", rotate, methods=["POST"]),
    Route("/t/{tenant}/webhooks/{webhook:uuid}/test", test, methods=["POST"]),
]
