"""What became of the credit that a signed report earned, for the pages that show the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.views.credit.words import KINDS, STATES, money_of


async def credited(
    request: Request, tenant: Tenant, report: StoredReport, body: Mapping[str, Any]
) -> dict[str, Any]:
    """The report's credits, oldest first, and what the one that is its whole amount was issued as."""
    actor, house = actor_of(request), house_of(request)
    made: tuple[StoredCredit, ...] = ()
    if house.gate.allows(actor, Action.CREDIT_READ, Resource("credit", tenant.id)):
        found = await house.credits.of_period(actor, tenant.id, report.period)
        made = tuple(each for each in found if each.calculation.report_id == report.id)
    earned = None if body["credit"] is None else (body["credit"]["amount"], body["credit"]["currency"])
    issued = [
        each.issue.reference
        for each in made
        if each.issue is not None and (each.amount.decimal, each.amount.currency) == earned
    ]
    return {
        "credits": made,
        "credited_as": issued[-1] if issued else None,
        "credit_states": STATES,
        "credit_kinds": KINDS,
        "money_of": money_of,
    }
