"""What was told of nobody's incident: saying to which one it belongs."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, Refused
from trust_portal.learning.incidents.acts_model import AssignGap
from trust_portal.learning.incidents.model import NOUN, Severity
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.choosing_incidents import chosen_incident, others_than


async def gap(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    source = form.value("source") or request.query_params.get("source", "")
    key = form.value("key") or request.query_params.get("key", "")
    found = await house.incident_gaps.find(actor, source, key)
    candidates = [(str(each.id), f"{each.source}/{each.key}: {each.title}") for each in found.candidates]
    return page(
        request,
        "incidents/gap.html",
        status_code=form.status,
        form=form,
        gap=found,
        candidates=[("", "Choose one"), *candidates] if candidates else await others_than(request),
        severities=[(each.value, each.value) for each in Severity],
        may_declare=not candidates
        and house.gate.allows(actor, Action.INCIDENT_DECLARE, Resource.of_house(NOUN)),
        **frame(request),
    )


async def assign(request: Request) -> Response:
    form = await read_form(request)
    source, key = (str(form.get(name, "")) for name in ("source", "key"))
    try:
        chosen = await chosen_incident(request, form, "incident")
        if chosen is None:
            raise InvalidInput("choose the incident it belongs to, or write its key", field="incident")
        command = AssignGap(source, key, chosen, str(form.get("text", "")), _severity(form))
        found = await house_of(request).incident_gaps.assign(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        # As they were told: a blank around them is part of them.
        return await gap(request, FormState({**texts(form), "source": source, "key": key}, refusal))
    return RedirectResponse(f"/incidents/{found.id}", status_code=303)


def _severity(form: FormData) -> Severity | None:
    said = str(form.get("severity", ""))
    try:
        return Severity(said) if said else None
    except ValueError:
        raise InvalidInput("choose a severity", field="severity") from None


routes = [
    Route("/incidents/gap", gap, methods=["GET"]),
    Route("/incidents/gap", assign, methods=["POST"]),
]
