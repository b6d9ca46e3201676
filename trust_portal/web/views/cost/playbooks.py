"""Runs of playbooks of one tenant: the list, one run with its steps as they come, and what people do to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.automation import Reversal
from trust_portal.access.policy import Resource
from trust_portal.cost.remediation.intent import pairs, radius, rehearsed
from trust_portal.cost.remediation.model import (
    PlanPlaybook,
    RequestRun,
    RollBackRun,
    Run,
    RunAlone,
    RunFilter,
    RunState,
    StepKind,
)
from trust_portal.errors import Refused
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, page_request, read_form, required, texts
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import is_fragment, page
from trust_portal.web.views.cost.anomaly import anomaly
from trust_portal.web.views.cost.run_telling import limit_words, steps_told
from trust_portal.web.views.cost.screen import cost_frame


async def runs(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="playbooks")
    state = one_of(RunState, request.query_params.get("state"), "state")
    return page(
        request,
        "cost/playbook_runs.html",
        listed=await house.playbook_runs.page(
            actor, RunFilter(tenant.id, state=state), page_request(request)
        ),
        state=state,
        states=list(RunState),
        switches=await house.kill_switches.over_tenant(actor, tenant.id),
        **cost_frame(request, tenant),
    )


async def run(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="playbook run")
    found = await house.playbook_runs.get(actor, tenant.id, request.path_params["run"])
    if is_fragment(request) and request.query_params.get("seen") == str(found.last.ordinal):
        return Response(status_code=204)  # nothing came, so nothing is replaced: somebody may be typing
    resource = Resource("playbook run", tenant.id, str(found.id))
    may_request = house.gate.allows(actor, Action.PLAYBOOK_REQUEST, resource)
    may_reverse = house.gate.allows(actor, Action.PLAYBOOK_REVERSE, resource, Reversal(()).context)
    return page(
        request,
        "cost/playbook_run.html",
        part="cost/playbook_run_progress.html",
        status_code=form.status,
        run=found,
        plan=found.plan,
        over_since=await house.playbook_runs.over_since(actor, tenant.id, found.id),
        steps=steps_told(found),
        verified_by=found.step(StepKind.VERIFIED),
        pairs=pairs,
        radius=radius(found.plan),
        limit=limit_words(found.plan),
        rehearsed=rehearsed(found.plan),
        form=form,
        may_request=may_request and found.state is RunState.PLANNED,
        may_act_alone=house.gate.allows(actor, Action.UNAPPROVED_PLAYBOOK_EXECUTE, resource)
        and found.state in {RunState.PLANNED, RunState.WAITING},
        may_reverse=may_reverse and found.can_be_rolled_back,
        to_decide=_to_decide(found) if house.gate.allows(actor, Action.APPROVAL_READ, resource) else None,
        may_stop_it=house.gate.allows(actor, Action.HOUSE_KILL_SWITCH_SET, Resource.of_house("kill switch")),
        stop_tenant=urlencode({"customer": tenant.key, "place": f"tenant:{tenant.key}"}),
        stop_playbook=urlencode({"place": f"playbook:{found.plan.playbook_id}"}),
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, resource),
        is_connected=house.remediation.is_connected,
        **cost_frame(request, tenant),
    )


def _to_decide(run: Run) -> UUID | None:
    """The request that people decide on now."""
    requested = run.step(StepKind.REQUESTED)
    return requested.approval_id if requested is not None and run.state is RunState.WAITING else None


async def plan(request: Request) -> Response:
    """From the anomaly's page; leads to the run, or back to where it says why not."""
    tenant, form = await tenant_of(request, purpose="playbooks"), await read_form(request)
    try:
        command = PlanPlaybook(tenant.id, request.path_params["anomaly"], required(form, "playbook"))
        (made,) = await house_of(request).remediation.plan(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await anomaly(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/playbooks/{made.id}", status_code=303)


async def ask(request: Request) -> Response:
    async def verb(tenant_id: UUID, run_id: UUID, reason: str) -> None:
        command = RequestRun(tenant_id, run_id, reason)
        await house_of(request).remediation.request(command, actor_of(request))

    return await _do(request, "reason", verb)


async def alone(request: Request) -> Response:
    """With the glass broken: done without waiting for approval."""

    async def verb(tenant_id: UUID, run_id: UUID, reason: str) -> None:
        command = RunAlone(tenant_id, run_id, reason)
        await house_of(request).remediation.run_alone(command, actor_of(request))

    return await _do(request, "alone", verb)


async def roll_back(request: Request) -> Response:
    async def verb(tenant_id: UUID, run_id: UUID, reason: str) -> None:
        command = RollBackRun(tenant_id, run_id, reason)
        await house_of(request).remediation.roll_back(command, actor_of(request))

    return await _do(request, "why", verb)


async def _do(request: Request, field: str, verb: Callable[[UUID, UUID, str], Awaitable[Any]]) -> Response:
    """An act on the run, with the reason from ``field``."""
    tenant, form = await tenant_of(request, purpose="playbook run"), await read_form(request)
    run_id: UUID = request.path_params["run"]
    try:
        await verb(tenant.id, run_id, required(form, field, label="the reason"))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        if refusal.field == "reason":
            refusal.field = field
        return await run(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/playbooks/{run_id}", status_code=303)


_ONE = "/t/{tenant}/cost/playbooks/{run:uuid}"
routes = [
    Route("/t/{tenant}/cost/playbooks", runs, methods=["GET"]),
    Route(_ONE, run, methods=["GET"]),
    Route(f"{_ONE}/request", ask, methods=["POST"]),
    Route(f"{_ONE}/alone", alone, methods=["POST"]),
    Route(f"{_ONE}/roll-back", roll_back, methods=["POST"]),
    Route("/t/{tenant}/cost/anomalies/{anomaly:uuid}/playbooks", plan, methods=["POST"]),
]
