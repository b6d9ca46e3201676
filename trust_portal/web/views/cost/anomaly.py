"""Why did cost spike? One anomaly whole, the events behind each of its figures, and what people say of it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.model import GiveFeedback, Verdict
from trust_portal.cost.anomalies.thresholds_intent import threshold_words
from trust_portal.cost.explanation.origins import MOST_EVENTS, Figure, FindOrigins
from trust_portal.cost.explanation.reported import FindReported
from trust_portal.errors import InvalidInput, Refused
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, moment_of, one_of, read_form, required, texts
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.cost import telling
from trust_portal.web.views.cost.meanwhile import entries, marks
from trust_portal.web.views.cost.screen import cost_frame

#: A part is named by its dimensions; nobody has more of them.
_MOST_DIMENSIONS = 20


async def anomaly(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="cost anomaly")
    found = await house.explanations.explain(actor, tenant.id, request.path_params["anomaly"])
    told, resource = found.anomaly, Resource("anomaly", tenant.id, str(found.anomaly.id))
    listed = entries(found.links, found.candidates)
    may_see_runs = house.gate.allows(actor, Action.PLAYBOOK_READ, resource)
    may_plan = house.gate.allows(actor, Action.PLAYBOOK_PLAN, resource)
    return page(
        request,
        "cost/anomaly.html",
        status_code=form.status,
        explanation=found,
        anomaly=told,
        headline=telling.headline(told),
        course=telling.course(found, marks(listed)),
        hours=telling.hours_of(found),
        meanwhile=listed,
        dimensions=list(dict.fromkeys(each.dimension for each in found.drivers)),
        thresholds=threshold_words(told.evidence.get("thresholds", {})),
        where_words=telling.where_words,
        events_path=telling.events_path,
        reported_path=telling.reported_path,
        is_explained=told.explained_at is not None and told.explained_at >= told.changed_at,
        playbook_runs=await house.playbook_runs.of_anomaly(actor, tenant.id, told.id) if may_see_runs else (),
        options=await house.remediation.planner.options(actor, found) if may_plan else (),
        may_plan=may_plan,
        feedback=await house.anomalies.feedback(actor, tenant.id, told.id),
        form=form,
        may_assess=house.gate.allows(actor, Action.ANOMALY_ASSESS, resource),
        may_explain=house.gate.allows(actor, Action.ANOMALY_EXPLAIN, resource),
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, resource),
        **cost_frame(request, tenant),
    )


async def origins(request: Request) -> Response:
    """The usage events behind the figure that the address names: its kind, its dimensions, its hours."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="usage")
    where = dict(request.query_params)
    if len(where) > _MOST_DIMENSIONS:
        raise InvalidInput(f"name at most {_MOST_DIMENSIONS} dimensions", field="where")
    anomaly_id: UUID = request.path_params["anomaly"]
    hours = request.path_params.get("hours")
    comparable = hours == "comparable"
    query = FindOrigins(
        tenant.id,
        anomaly_id,
        one_of(Figure, request.path_params.get("figure", Figure.PART), "figure") or Figure.PART,
        where,
        comparable=comparable,
        hour=None if hours is None or comparable else moment_of(hours, "hours"),
    )
    found = await house.explanations.origins(actor, query)
    return page(
        request,
        "cost/origins.html",
        anomaly=await house.anomalies.get(actor, tenant.id, anomaly_id),
        asked=query,
        origins=found,
        shown=sum((each.cost for each in found.events), Decimal(0)),
        digits=telling.digits_of([each.cost for each in found.events]),
        most=MOST_EVENTS,
        named=telling.figure_words(query),
        **cost_frame(request, tenant),
    )


async def reported(request: Request) -> Response:
    """What was reported behind a link, found by the event that the link names."""
    actor, house, asked = actor_of(request), house_of(request), request.query_params
    tenant = await tenant_of(request, purpose="cost anomaly")
    anomaly_id: UUID = request.path_params["anomaly"]
    query = FindReported(tenant.id, anomaly_id, asked.get("source", ""), asked.get("id", ""))
    return page(
        request,
        "cost/reported.html",
        anomaly=await house.anomalies.get(actor, tenant.id, anomaly_id),
        reported=await house.explanations.reported(actor, query),
        **cost_frame(request, tenant),
    )


async def give_feedback(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="cost anomaly"), await read_form(request)
    anomaly_id: UUID = request.path_params["anomaly"]
    try:
        verdict = one_of(Verdict, required(form, "verdict", label="what it was"), "verdict")
        assert verdict is not None  # noqa: S101 - required
        command = GiveFeedback(tenant.id, anomaly_id, verdict, str(form.get("note", "")))
        await house_of(request).anomalies.give_feedback(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await anomaly(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/anomalies/{anomaly_id}", status_code=303)


async def record_explanation(request: Request) -> Response:
    """Explain it now and put that on record; where it is on record already, nothing happens."""
    tenant, anomaly_id = await tenant_of(request, purpose="cost anomaly"), request.path_params["anomaly"]
    await house_of(request).explanations.record(actor_of(request), tenant.id, anomaly_id)
    return RedirectResponse(f"{tenant_path(tenant)}/cost/anomalies/{anomaly_id}", status_code=303)


_ONE = "/t/{tenant}/cost/anomalies/{anomaly:uuid}"
routes = [
    Route(_ONE, anomaly, methods=["GET"]),
    Route(f"{_ONE}/events", origins, methods=["GET"]),
    Route(f"{_ONE}/events/{{figure}}", origins, methods=["GET"]),
    Route(f"{_ONE}/events/{{figure}}/{{hours}}", origins, methods=["GET"]),
    Route(f"{_ONE}/reported", reported, methods=["GET"]),
    Route(f"{_ONE}/feedback", give_feedback, methods=["POST"]),
    Route(f"{_ONE}/explanation", record_explanation, methods=["POST"]),
]
