"""What a tenant means to spend in a month, and how far the month has come."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.cost.budgets.service import SetBudget
from trust_portal.errors import Refused
from trust_portal.kernel.money import Money
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, month_of, read_form, required, texts, together
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.cost.screen import SUBSYSTEM_CHOICES, cost_frame, subsystem_of


async def budgets(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="budgets")
    month = month_of(request.query_params.get("month") or f"{house.clock.now():%Y-%m}", "month")
    return page(
        request,
        "cost/budgets.html",
        status_code=form.status,
        month=f"{month:%Y-%m}",
        standing=await house.budgets.status(actor, tenant.id, month),
        history=tuple(
            sorted(await house.budgets.history(actor, tenant.id), key=lambda each: each.set_at, reverse=True)
        ),
        subsystem_choices=SUBSYSTEM_CHOICES,
        alerts=await house.budgets.alerts(actor, tenant.id),
        form=form,
        may_set=house.gate.allows(actor, Action.BUDGET_SET, Resource("budget", tenant.id)),
        **cost_frame(request, tenant),
    )


async def set_budget(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="budgets"), await read_form(request)
    try:
        currency, month = together(
            lambda: required(form, "currency", label="the currency").upper(),
            lambda: month_of(required(form, "from_month", label="the month"), "from_month"),
        )
        command = SetBudget(
            tenant.id,
            subsystem_of(form.get("subsystem")),
            currency,
            amount_of(str(form.get("amount", "")).strip(), currency),
            month,
            str(form.get("reason", "")),
        )
        await house_of(request).budgets.set(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await budgets(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/budgets", status_code=303)


def amount_of(text: str, currency: str) -> Decimal | None:
    """Major units, no more digits than the currency counts; nothing withdraws the budget."""
    return Decimal(Money.parse(text, currency).decimal) if text else None


routes = [
    Route("/t/{tenant}/cost/budgets", budgets, methods=["GET"]),
    Route("/t/{tenant}/cost/budgets", set_budget, methods=["POST"]),
]
