"""What a past month would have come to by another version, or by a draft; nothing is stored."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.documents import formats
from trust_portal.errors import Refused
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.contracts.model import percent_text
from trust_portal.reliability.reports.what_if import AskWhatIf, WhatIf
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.promises import promise_frame

_PURPOSE = "contract preview"


async def what_if(
    request: Request,
    form: FormState = FormState(),
    answer: WhatIf | None = None,
) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    await house.what_ifs.may_ask(actor, tenant.id)
    versions = await house.contracts.versions(actor, tenant.id)
    heads = await house.reports.heads(actor, tenant.id)
    return page(
        request,
        "what_if.html",
        status_code=form.status,
        form=form,
        versions=[(each.version, each.version) for each in reversed(versions)],
        periods=[(each.period, formats.period(each.period)) for each in heads],
        answer=answer,
        rows=[] if answer is None else _rows(answer),
        **promise_frame(request, tenant),
    )


async def ask(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), texts(await read_form(request))
    try:
        query = AskWhatIf(
            tenant.id, form.get("period", ""), form.get("version") or None, form.get("document") or None
        )
        answer = await house_of(request).what_ifs.ask(query, actor_of(request))
    except Refused as refusal:
        if refusal.status in {401, 403}:
            raise
        return await what_if(request, FormState(form, refusal))
    return await what_if(request, FormState(form), answer)


def _rows(answer: WhatIf) -> list[dict[str, Any]]:
    """One promise a line: by the other words, and beside it what was signed."""
    signed = (
        {} if answer.signed is None else {each["objective"]: each for each in answer.signed["objectives"]}
    )
    rows = []
    for each in answer.assessment.slas:
        raw, figure = each.attainment.raw, each.attainment.adjusted
        verdict, was = each.verdict, signed.get(each.sla.objective)
        rows.append(
            {
                "objective": each.sla.objective,
                "target": percent_text(each.sla.target),
                "raw": None if raw is None else truncated_percent(raw.attained.value),
                "attained": None if figure is None else truncated_percent(figure.attained.value),
                "met": None if verdict is None else verdict.met,
                "tier": None if verdict is None else verdict.tier,
                "credit": None if verdict is None else percent_text(verdict.credit),
                "was": was,
            }
        )
    return rows


routes = [
    Route("/t/{tenant}/what-if", what_if, methods=["GET"]),
    Route("/t/{tenant}/what-if", ask, methods=["POST"]),
]
