"""What is worth raising: what holds, a trial on the stored series, and setting it with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.inbox import ApprovalFilter, ApprovalView, Show
from trust_portal.access.approvals.model import ApprovalKind
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.backtest import Trial, TryThresholds
from trust_portal.cost.anomalies.thresholds import SetThresholds
from trust_portal.cost.detection.replay import WEEKS
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.page import PageRequest
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.cost.screen import SUBSYSTEM_CHOICES, cost_frame, subsystem_of

#: Name, label, and what it does.
FIGURES = (
    ("min_impact", "Least impact", "Raised once the excess is this much, in the currency of the series"),
    ("min_day_share", "Least share of a day", "… and this much of what the series usually comes to in a day"),
    ("sensitivity", "Sensitivity", "2 raises at half the usual deviation, 0.5 at twice"),
    ("burn_rate", "Burn rate", "The multiple of an even pace at which a budget is spent too fast"),
    (
        "drop_impact",
        "Impact of a drop",
        "Spending less is raised at so many times what spending more has to come to",
    ),
)


async def thresholds(request: Request, form: FormState | None = None) -> Response:
    """With ``?try=1`` the figures in the address are tried; nothing is set by looking."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="thresholds")
    effective = await house.thresholds.effective(actor, tenant.id)
    trial: Trial | None = None
    asked = {name: value.strip() for name, value in request.query_params.items()}
    if form is None:
        form = FormState(asked)
        if asked.get("try") and not tenant.is_vendor:
            try:
                query = TryThresholds(
                    tenant.id, subsystem_of(asked.get("subsystem")), _figures(asked), _weeks(asked)
                )
                trial = await house.backtests.run(query, actor)
            except InvalidInput as refusal:
                form = FormState(asked, refusal)
    return page(
        request,
        "cost/thresholds.html",
        status_code=form.status,
        effective=effective,
        history=tuple(reversed(await house.thresholds.history(actor, tenant.id))),
        figures=FIGURES,
        detector=(await house.detector_flags.standing(actor, tenant.id)).detectors.live.detector,
        weeks=[(str(each), f"{each} weeks") for each in WEEKS],
        trial=trial,
        for_everybody=tenant.is_vendor,
        subsystem_choices=SUBSYSTEM_CHOICES,
        form=form,
        waiting=await _waiting(request, tenant.id),
        may_set=house.gate.allows(actor, Action.THRESHOLD_SET, Resource("thresholds", tenant.id)),
        **cost_frame(request, tenant),
    )


async def set_thresholds(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="thresholds"), texts(await read_form(request))
    try:
        command = SetThresholds(
            tenant.id, subsystem_of(form.get("subsystem")), _figures(form), form.get("reason", "")
        )
        changed = await house_of(request).threshold_changes.change(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await thresholds(request, FormState(form, refusal))
    place = "cost/thresholds" if changed.approval_id is None else f"approvals/{changed.approval_id}"
    return RedirectResponse(f"{tenant_path(tenant)}/{place}", status_code=303)


async def _waiting(request: Request, tenant_id: UUID) -> tuple[ApprovalView, ...]:
    """Looser ones that were asked for and are not decided, or approved and not set yet."""
    actor, house = actor_of(request), house_of(request)
    if not house.gate.allows(actor, Action.APPROVAL_READ, Resource("approval request", tenant_id)):
        return ()
    wanted = ApprovalFilter(tenant_id, Show.LIVE, ApprovalKind.THRESHOLD_CHANGE)
    return (await house.approval_inbox.page(actor, wanted, PageRequest(25))).items


def _figures(form: Mapping[str, str]) -> dict[str, float]:
    """The fields that hold something; an empty one keeps what lies above."""
    found = {}
    for name, label, _ in FIGURES:
        if text := form.get(name, ""):
            try:
                found[name] = float(text)
            except ValueError:
                raise InvalidInput(f"{label.lower()} is a number such as 0.5", field=name) from None
    return found


def _weeks(form: Mapping[str, str]) -> int:
    text = form.get("weeks") or "8"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


routes = [
    Route("/t/{tenant}/cost/thresholds", thresholds, methods=["GET"]),
    Route("/t/{tenant}/cost/thresholds", set_thresholds, methods=["POST"]),
]
