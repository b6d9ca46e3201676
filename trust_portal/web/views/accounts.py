"""Accounts: every customer with who looks after it, the next review, and how ready it is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.trust.accounts.model import LEAD, NOUN, Readiness, SetAccount
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, day_of, read_form, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page

#: Kind of mark and word, by readiness.
READINESS = {
    Readiness.NO_DATE: ("mute", "No date"),
    Readiness.NOTHING_YET: ("mute", "Nothing to review yet"),
    Readiness.NOT_PREPARED: ("mute", "Not prepared"),
    Readiness.BLOCKED: ("warn", "Something is missing"),
    Readiness.AGED: ("warn", "To be gathered anew"),
    Readiness.DRAFT: ("busy", "Draft"),
    Readiness.SUPERSEDED: ("warn", "Superseded, gather anew"),
    Readiness.ISSUED: ("good", "Issued"),
}


async def accounts(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    found = await house.accounts.list(actor)
    mine = request.query_params.get("show") == "mine"
    person = actor.person_id or actor.id
    return page(
        request,
        "trust/accounts.html",
        accounts=[each for each in found if not mine or each.settings.csm_id == person],
        show="mine" if mine else "",
        readiness=READINESS,
        today=house.clock.now().date(),
        may_set=house.gate.allows(actor, Action.ACCOUNT_SET, Resource.of_house(NOUN)),
        **frame(request),
    )


async def account(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="account")
    settings = await house.accounts.get(actor, tenant.id)
    return page(
        request,
        "trust/account.html",
        status_code=form.status,
        settings=settings,
        nothing_yet=settings.quarter is not None and tenant.came_after(settings.quarter),
        managers=await house.accounts.managers(actor),
        lead_days=LEAD.days,
        form=form,
        may_set=house.gate.allows(actor, Action.ACCOUNT_SET, Resource(NOUN, tenant.id)),
        **frame(request, tenant),
    )


async def set_account(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="account"), await read_form(request)
    try:
        await house_of(request).accounts.set(_command(tenant, form), actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await account(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/account", status_code=303)


def _command(tenant: Tenant, form: FormData) -> SetAccount:
    given = texts(form)
    csm, review_on, lead = together(
        lambda: _person(given.get("csm", "")),
        lambda: day_of(given["review_on"], "review_on") if given.get("review_on") else None,
        lambda: _days(given.get("lead_days", "")),
    )
    return SetAccount(tenant.id, csm, review_on, lead)


def _person(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput("choose somebody who works here", field="csm") from None


def _days(text: str) -> timedelta:
    if not text:
        return LEAD
    if not text.isascii() or not text.isdecimal() or len(text) > 3:
        raise InvalidInput("write the number of days", field="lead_days")
    return timedelta(days=int(text))


routes = [
    Route("/accounts", accounts, methods=["GET"]),
    Route("/t/{tenant}/account", account, methods=["GET"]),
    Route("/t/{tenant}/account", set_account, methods=["POST"]),
]
