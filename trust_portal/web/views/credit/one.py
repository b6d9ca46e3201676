"""One credit: its way from measuring to issuing, why this amount, who decided, and its memo."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import Approval, person_behind
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.actor import Actor
from trust_portal.reliability.credits.model import KIND, CreditState
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.credit.words import (
    KINDS,
    STATES,
    money_of,
    stamps_of,
    standing,
    title_of,
    told_of,
)


async def credit(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="credit")
    found = await house.credits.get(actor, tenant.id, request.path_params["credit"])
    approval = await house.credits.approval(actor, found)
    resource = Resource("credit", tenant.id, found.id)
    others = await house.credits.of_period(actor, tenant.id, found.period)
    return page(
        request,
        "credits/credit.html",
        status_code=form.status,
        form=form,
        others=[each for each in others if each.id != found.id],
        lead=standing(found, approval),
        title=title_of(found),
        told=told_of(found, approval),
        states=STATES,
        kinds=KINDS,
        money_of=money_of,
        may_issue=_may_issue(request, actor, found, approval, resource),
        may_void=house.gate.allows(actor, Action.CREDIT_VOID, resource),
        may_reject=house.gate.allows(actor, Action.CREDIT_REJECT, resource)
        and person_behind(actor) != approval.request.requester_id,
        may_read_approval=house.gate.allows(actor, Action.APPROVAL_READ, resource),
        may_read_rules=house.gate.allows(actor, Action.POLICIES_READ, Resource.of_house("policies")),
        **await _evidence(request, actor, tenant, found, approval),
        **frame(request, tenant),
    )


async def evidence(request: Request) -> Response:
    """The chain and the memo's bundle alone, asked for again by the page while something is to come."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="credit")
    found = await house.credits.get(actor, tenant.id, request.path_params["credit"])
    approval = await house.credits.approval(actor, found)
    return page(
        request,
        "credits/evidence.html",
        **await _evidence(request, actor, tenant, found, approval),
        **frame(request, tenant),
    )


async def _evidence(
    request: Request, actor: Actor, tenant: Tenant, found: StoredCredit, approval: Approval
) -> dict[str, Any]:
    house = house_of(request)
    body = json.loads(await house.credits.calculation(actor, tenant.id, found.calculation.id))
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id))
    export = None
    if found.issue is not None:
        export = await house.archive.export_of(actor, tenant.id, KIND, found.id, 1)
    return {
        "credit": found,
        "approval": approval,
        "body": body,
        "stamps": stamps_of(found, approval, body, f"{tenant_path(tenant)}/receipts/" if may_trace else None),
        "may_trace": may_trace,
        "export": export,
        "key": tenant.key,
        "fingerprint": house.keyring.receipts.key_id,
        "may_request": house.gate.allows(actor, Action.EXPORT_REQUEST, Resource("export", tenant.id)),
        "may_download": house.gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", tenant.id)),
    }


def _may_issue(
    request: Request, actor: Actor, found: StoredCredit, approval: Approval, resource: Resource
) -> bool:
    """Whether the form is worth showing: the service decides again."""
    gate = house_of(request).gate
    if found.state is not CreditState.APPROVED or not gate.allows(actor, Action.CREDIT_ISSUE, resource):
        return False
    part = {found.proposer_id, *(each.person_id for each in approval.approvals)}
    return person_behind(actor) not in part or gate.allows(actor, Action.OWN_CREDIT_ISSUE, resource)


_ONE = "/t/{tenant}/credits/{credit:uuid}"
routes = [
    Route(_ONE, credit, methods=["GET"]),
    Route(f"{_ONE}/evidence", evidence, methods=["GET"]),
]
