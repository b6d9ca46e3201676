"""The delivery log of a tenant: mail and webhooks, every attempt, and sending again."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.notifications.model import ReplayDelivery
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, Refused
from trust_portal.notify.log import DeliveryFilter
from trust_portal.notify.model import Channel
from trust_portal.notify.webhooks.message import message_id
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, page_request, read_form, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page


async def deliveries(request: Request) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request)
    wanted = DeliveryFilter(
        tenant.id, channel=_channel(request), given_up=request.query_params.get("state") == "given_up"
    )
    return page(
        request,
        "notifications/deliveries.html",
        listed=await house.delivery_log.page(actor, wanted, page_request(request)),
        labels=await _labels(request, tenant.id),
        wanted=wanted,
        **frame(request, tenant),
    )


async def delivery(request: Request, form: FormState = FormState()) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request)
    logged = await house.delivery_log.get(actor, tenant.id, request.path_params["delivery"])
    return page(
        request,
        "notifications/delivery.html",
        status_code=form.status,
        logged=logged,
        message=message_id(logged.delivery.notification_id),
        labels=await _labels(request, tenant.id),
        form=form,
        may_replay=house.gate.allows(actor, Action.DELIVERY_REPLAY, Resource("delivery", tenant.id)),
        **frame(request, tenant),
    )


async def replay(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    delivery_id: UUID = request.path_params["delivery"]
    try:
        command = ReplayDelivery(tenant.id, delivery_id, str(form.get("reason", "")))
        await house_of(request).delivery_log.replay(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await delivery(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/deliveries/{delivery_id}", status_code=303)


async def _labels(request: Request, tenant_id: UUID) -> dict[UUID, str]:
    """What endpoints are called, for whoever may know."""
    actor, house = actor_of(request), house_of(request)
    if not house.gate.allows(actor, Action.WEBHOOK_READ, Resource("webhook", tenant_id)):
        return {}
    return {each.id: each.label for each in await house.endpoints.of_tenant(actor, tenant_id)}


def _channel(request: Request) -> Channel | None:
    text = request.query_params.get("channel")
    if not text:
        return None
    try:
        return Channel(text)
    except ValueError as error:
        raise InvalidInput("there are mail and webhook", field="channel") from error


routes = [
    Route("/t/{tenant}/deliveries", deliveries, methods=["GET"]),
    Route("/t/{tenant}/deliveries/{delivery:uuid}", delivery, methods=["GET"]),
    Route("/t/{tenant}/deliveries/{delivery:uuid}/replay", replay, methods=["POST"]),
]
