"""Who confirms a tenant's counts: what is set up, a test that shows what a source answers, and setting it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, Refused
from trust_portal.reliability.crosscheck.model import (
    INTERVALS,
    SetSource,
    SourceDefinition,
    SourceRevision,
    TrySource,
    parse_labels,
)
from trust_portal.reliability.crosscheck.service import Trial
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, texts
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.promises import promise_frame

_PURPOSE = "cross-checks"
#: How much of the past a test looks at.
_SPANS = (("1", "The last hour"), ("24", "The last 24 hours"), ("168", "The last week"), ("720", "30 days"))


async def cross_checks(
    request: Request, form: FormState | None = None, trial: Trial | None = None
) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    history = await house.cross_checks.history(actor, tenant.id)
    sources = {each.objective: each for each in history}
    objectives = await house.objectives.of_tenant(actor, tenant.id)
    if form is None:
        asked = request.query_params.get("objective", "")
        form = FormState(_written(sources.get(asked), asked))
    resource = Resource("cross-check", tenant.id)
    return page(
        request,
        "cross_checks.html",
        status_code=form.status,
        objectives=objectives,
        sources=sources,
        history=tuple(reversed(history)),
        trial=trial,
        form=form,
        spans=_SPANS,
        objective_choices=[("", "Choose one"), *((each.key, each.key) for each in objectives)],
        intervals=[(str(each), f"{each} s") for each in INTERVALS],
        may_set=house.gate.allows(actor, Action.CROSS_CHECK_SET, resource),
        may_test=house.gate.allows(actor, Action.CROSS_CHECK_TEST, resource),
        **promise_frame(request, tenant),
    )


async def set_source(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), texts(await read_form(request))
    try:
        command = SetSource(
            tenant.id,
            _objective(form),
            _definition(form),
            form.get("reason", ""),
            _revision(form),
        )
        await house_of(request).cross_checks.set(command, actor_of(request))
    except Refused as refusal:
        return await _again(request, FormState(form, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cross-checks", status_code=303)


async def try_source(request: Request) -> Response:
    """Asks the source that the form describes, and shows what it says; nothing is recorded."""
    tenant, form = await tenant_of(request, purpose=_PURPOSE), texts(await read_form(request))
    try:
        question = TrySource(
            tenant.id, _objective(form), _definition(form), _whole({"hours": "24", **form}, "hours")
        )
        trial = await house_of(request).cross_checks.try_out(question, actor_of(request))
    except Refused as refusal:
        return await _again(request, FormState(form, refusal))
    return await cross_checks(request, FormState(form), trial)


async def withdraw(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), texts(await read_form(request))
    try:
        command = SetSource(
            tenant.id, _objective(form), None, form.get("withdraw_reason", ""), _revision(form)
        )
        await house_of(request).cross_checks.set(command, actor_of(request))
    except Refused as refusal:
        return await _again(request, FormState({}, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cross-checks", status_code=303)


async def _again(request: Request, form: FormState) -> Response:
    """The page with what was refused; a refusal of the caller is its own page."""
    if form.refusal is not None and not form.refusal.mendable:
        raise form.refusal
    return await cross_checks(request, form)


def _objective(form: Mapping[str, str]) -> str:
    if not form.get("objective"):
        raise InvalidInput("choose an objective", field="objective")
    return form["objective"]


def _definition(form: Mapping[str, str]) -> SourceDefinition:
    return SourceDefinition(
        url=form.get("url", ""),
        total=form.get("total") or None,
        good=form.get("good") or None,
        buckets=form.get("buckets") or None,
        labels=parse_labels(form.get("labels", "")),
        interval=_whole(form, "interval"),
        tolerance=_whole(form, "tolerance"),
        credential=form.get("credential") or None,
    )


def _whole(form: Mapping[str, str], field: str) -> int:
    text = form.get(field, "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise InvalidInput("a whole number, zero or more", field=field)
    return int(text)


def _revision(form: Mapping[str, str]) -> int | None:
    text = form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _written(source: SourceRevision | None, objective: str) -> dict[str, str]:
    """What the form begins with: the settings that hold, or the usual ones."""
    usual = {"objective": objective, "interval": "60", "tolerance": "0", "hours": "24"}
    if source is None:
        return usual
    usual["revision"] = str(source.revision)
    if (definition := source.definition) is None:
        return usual
    return usual | {
        "url": definition.url,
        "total": definition.total or "",
        "good": definition.good or "",
        "buckets": definition.buckets or "",
        "labels": "\n".join(f"{name}={value}" for name, value in definition.labels),
        "interval": str(definition.interval),
        "tolerance": str(definition.tolerance),
        "credential": definition.credential or "",
    }


routes = [
    Route("/t/{tenant}/cross-checks", cross_checks, methods=["GET"]),
    Route("/t/{tenant}/cross-checks", set_source, methods=["POST"]),
    Route("/t/{tenant}/cross-checks/test", try_source, methods=["POST"]),
    Route("/t/{tenant}/cross-checks/withdraw", withdraw, methods=["POST"]),
]
