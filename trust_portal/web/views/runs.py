"""Monthly runs over every customer: start one, watch it, see whom it could not serve and why."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.reliability.runs.model import StartRun
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, required, texts
from trust_portal.web.navigation import frame
from trust_portal.web.periods import offered_of_everybody
from trust_portal.web.templating import page


async def runs(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    return page(
        request,
        "runs.html",
        status_code=form.status,
        runs=await house.runs.newest(actor),
        form=form,
        periods=offered_of_everybody(house.clock.now()),
        may_start=house.gate.allows(actor, Action.SLA_RUN_START, Resource.of_house("SLA run")),
        **frame(request),
    )


async def start(request: Request) -> Response:
    form = await read_form(request)
    try:
        run = await house_of(request).runs.start(
            StartRun(required(form, "period", label="the period")), actor_of(request)
        )
    except (InvalidInput, Conflict) as refusal:
        return await runs(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/runs/{run.period}", status_code=303)


async def run(request: Request) -> Response:
    progress = await house_of(request).runs.progress(actor_of(request), request.path_params["period"])
    return page(request, "run.html", part="run_progress.html", progress=progress, **frame(request))


routes = [
    Route("/runs", runs, methods=["GET"]),
    Route("/runs", start, methods=["POST"]),
    Route("/runs/{period}", run, methods=["GET"]),
]
