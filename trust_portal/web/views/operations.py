"""What the vendor told of its operation, by year, quarter or between two months: incidents and maintenance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.documents import formats
from trust_portal.errors import InvalidInput
from trust_portal.kernel.period import Period, month_label, parse_period, quarter_label
from trust_portal.learning.postmortems.model import NOUN as POSTMORTEM
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import month_of
from trust_portal.web.navigation import frame, tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.incidents import KINDS, stamps_of

_YEAR: Final = re.compile(r"2[01][0-9]{2}", re.ASCII)
_LONGEST: Final = timedelta(days=732)


@dataclass(frozen=True, slots=True)
class _Span:
    """Half-open, in UTC. ``label`` says it in words, ``query`` asks for it again; ``choice`` is what of the list it is."""

    label: str
    query: str
    start: datetime
    end: datetime
    choice: str = ""
    first: str = ""
    last: str = ""


async def incidents(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="incidents")
    span = _span(request)
    touched = await house_of(request).customer_incidents.of_tenant(
        actor_of(request), tenant.id, span.start, span.end
    )
    return _page(
        request,
        tenant,
        "incidents.html",
        span,
        incidents=touched.incidents,
        as_of=touched.as_of.replace(microsecond=0),
        kinds=KINDS,
        stamps_of=stamps_of,
    )


async def maintenance(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="maintenance")
    span = _span(request)
    found = await house_of(request).operations.maintenance(actor_of(request), tenant.id, span.start, span.end)
    return _page(request, tenant, "maintenance.html", span, windows=found)


def _page(request: Request, tenant: Tenant, template: str, span: _Span, **context: Any) -> Response:
    house = house_of(request)
    return page(
        request,
        template,
        span=span,
        **offered_sides(request, tenant),
        periods=_choices(span, tenant, house.clock.now()),
        **context,
        **frame(request, tenant),
    )


def offered_sides(request: Request, tenant: Tenant) -> dict[str, Any]:
    """Which sides of what the vendor told this reader may open, for ``operations_sides.html``."""
    actor, gate = actor_of(request), house_of(request).gate
    return {
        "may_read_incidents": gate.allows(actor, Action.INCIDENT_READ, Resource("incident", tenant.id)),
        "may_read_postmortems": gate.allows(actor, Action.POSTMORTEM_READ, Resource(POSTMORTEM, tenant.id)),
        "may_read_maintenance": gate.allows(
            actor, Action.MAINTENANCE_READ, Resource("maintenance window", tenant.id)
        ),
    }


def _choices(span: _Span, tenant: Tenant, now: datetime) -> list[tuple[str, str]]:
    """Years with their quarters, the latest first: since the tenant came, and what is shown."""
    latest, earliest = max(now.year, span.start.year), min(tenant.onboarded_at.year, span.start.year)
    labels = []
    for year in range(latest, earliest - 1, -1):
        labels.append(str(year))
        quarters = [f"{year}-Q{number}" for number in range(4, 0, -1)]
        labels += [each for each in quarters if each <= quarter_label(now) or each == span.choice]
    shown = [] if span.choice in labels else [(span.choice, span.choice or "Between two months")]
    return [*shown, *((each, formats.period(each) if "-" in each else each) for each in labels)]


def _span(request: Request) -> _Span:
    """``?from=`` and ``?to=`` (months), else ``?period=`` (year, quarter or month) or ``?year=``; the present year."""
    asked = {name: request.query_params.get(name, "").strip() for name in ("from", "to", "period", "year")}
    now = house_of(request).clock.now()
    if asked["from"] or asked["to"]:
        first = _month(asked["from"], "from")
        last = _month(asked["to"] or month_label(now), "to")
        if not timedelta(0) < last.end - first.start <= _LONGEST:
            raise InvalidInput("the last month is not before the first, nor two years after it", field="to")
        label = first.label if first == last else f"{first.label} to {last.label}"
        query = urlencode({"from": first.label, "to": last.label})
        return _Span(label, query, first.start, last.end, "", first.label, last.label)
    label = asked["period"] or _year(asked["year"]) or str(now.year)
    if _YEAR.fullmatch(label):
        start, end = datetime(int(label), 1, 1, tzinfo=UTC), datetime(int(label) + 1, 1, 1, tzinfo=UTC)
    else:
        found = parse_period(label, "UTC")
        start, end = found.start, found.end
    return _Span(label, urlencode({"period": label}), start, end, label)


def _month(text: str, field: str) -> Period:
    return parse_period(f"{month_of(text, field):%Y-%m}", "UTC", field=field)


def _year(text: str) -> str:
    if text and not _YEAR.fullmatch(text):
        raise InvalidInput("write the year with four digits", field="year")
    return text


routes = [
    Route("/t/{tenant}/incidents", incidents, methods=["GET"]),
    Route("/t/{tenant}/maintenance", maintenance, methods=["GET"]),
]
