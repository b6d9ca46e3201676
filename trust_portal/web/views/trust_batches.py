"""Trust Reports of every customer: start a batch, watch it, see whom it could not serve and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.trust.batches.model import NOUN, BatchOutcome, StartTrustBatch
from trust_portal.trust.gathering.ids import CHANGES, SECTIONS
from trust_portal.trust.report.model import Acknowledgement
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, page_request, read_form, required, texts
from trust_portal.web.navigation import frame
from trust_portal.web.periods import offered_of_everybody
from trust_portal.web.templating import page
from trust_portal.web.views.acknowledging import acknowledgements_of

#: Tenants on a page: it is asked for again every two seconds while a batch is under way.
_ROWS: Final = 50


async def batches(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    parts = tuple(each for each in SECTIONS if each != CHANGES)
    return page(
        request,
        "trust/batches.html",
        status_code=form.status,
        batches=await house.trust_batches.newest(actor),
        form=form,
        periods=offered_of_everybody(house.clock.now())[::-1],
        parts=parts,
        said=any(form.value(f"reason-{part}") for part in parts),
        may_start=house.gate.allows(actor, Action.TRUST_BATCH_START, Resource.of_house(NOUN)),
        **frame(request),
    )


async def start(request: Request) -> Response:
    form = await read_form(request)
    try:
        command = StartTrustBatch(
            required(form, "period", label="the period"), _acknowledgements(texts(form))
        )
        batch = await house_of(request).trust_batches.start(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await batches(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/trust-batches/{batch.period}", status_code=303)


def _acknowledgements(given: Mapping[str, str]) -> tuple[Acknowledgement, ...]:
    """Of each part that has a reason."""
    named = acknowledgements_of(given)
    for each in named:
        if not each.seen.strip():
            raise InvalidInput("say what the part says, too", field=f"seen-{each.section}")
    return named


async def batch(request: Request) -> Response:
    outcome = one_of(BatchOutcome, request.query_params.get("of"), "of")
    tally, listed = await house_of(request).trust_batches.listing(
        actor_of(request), request.path_params["period"], page_request(request, size=_ROWS), outcome
    )
    return page(
        request,
        "trust/batch.html",
        part="trust/batch_progress.html",
        tally=tally,
        listed=listed,
        chosen=outcome,
        here=f"?{request.url.query}" if request.url.query else "",
        **frame(request),
    )


routes = [
    Route("/trust-batches", batches, methods=["GET"]),
    Route("/trust-batches", start, methods=["POST"]),
    Route("/trust-batches/{period}", batch, methods=["GET"]),
]
