"""What stood out: of one tenant, and for staff of all of them together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.cost.anomalies.model import AnomalyFilter, AnomalyState, Verdict
from trust_portal.cost.detection.model import Direction, Severity
from trust_portal.cost.metering.model import SUBSYSTEMS
from trust_portal.errors import InvalidInput
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import day_of, moment_of, one_of, page_request, start_of
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.cost.screen import SUBSYSTEM_CHOICES, cost_frame

_FILTERS = ("state", "direction", "subsystem", "severity", "verdict", "suppressed", "since", "until")
_SUPPRESSED = {"yes": True, "no": False}


async def anomalies(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="cost anomalies")
    wanted = _wanted(request, tenant.id)
    return page(
        request,
        "cost/anomalies.html",
        listed=await house.anomalies.page(actor, wanted, page_request(request)),
        counts=await house.anomalies.counts(actor, AnomalyFilter(tenant.id)),
        **_shown(request),
        **cost_frame(request, tenant),
    )


async def everybodys(request: Request) -> Response:
    """The figures of the loop over all customers, and whose cost stands out."""
    actor, house = actor_of(request), house_of(request)
    listed = await house.anomalies.page(actor, _wanted(request, None), page_request(request))
    concerned = {each.tenant_id for each in listed.items}
    return page(
        request,
        "cost/everybody.html",
        listed=listed,
        tenants=await house.tenants.named(actor, concerned),
        figures=await house.cost_kpis.overall(actor),
        **_shown(request),
        **frame(request),
    )


def _wanted(request: Request, tenant_id: UUID | None) -> AnomalyFilter:
    asked = request.query_params
    subsystem = asked.get("subsystem") or None
    if subsystem is not None and subsystem not in SUBSYSTEMS:
        raise InvalidInput(f"choose one of {', '.join(SUBSYSTEMS)}", field="subsystem")
    suppressed = asked.get("suppressed") or None
    if suppressed is not None and suppressed not in _SUPPRESSED:
        raise InvalidInput(f"choose one of {', '.join(_SUPPRESSED)}", field="suppressed")
    return AnomalyFilter(
        tenant_id,
        subsystem=subsystem,
        state=one_of(AnomalyState, asked.get("state"), "state"),
        direction=one_of(Direction, asked.get("direction"), "direction"),
        severity=one_of(Severity, asked.get("severity"), "severity"),
        verdict=one_of(Verdict, asked.get("verdict"), "verdict"),
        suppressed=None if suppressed is None else _SUPPRESSED[suppressed],
        since=_day_or_moment(asked.get("since"), "since"),
        until=_day_or_moment(asked.get("until"), "until"),
    )


def _day_or_moment(text: str | None, field: str) -> datetime | None:
    """The start of a day, as the form sends it, or a moment to the second, as figures name their window."""
    if not text:
        return None
    return moment_of(text, field) if "T" in text else start_of(day_of(text, field))


def _shown(request: Request) -> dict[str, Any]:
    """The filters as they stand in the address, and their choices."""
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    return {
        "asked": asked,
        "filters": urlencode({name: value for name, value in asked.items() if value}),
        "subsystem_choices": SUBSYSTEM_CHOICES,
        "severity_choices": [(each.value, each.value.capitalize()) for each in reversed(Severity)],
        "verdict_choices": [(each.value, f"Called {each.value}") for each in Verdict],
    }


routes = [
    Route("/cost", everybodys, methods=["GET"]),
    Route("/t/{tenant}/cost", anomalies, methods=["GET"]),
]
