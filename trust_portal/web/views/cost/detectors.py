"""Which detector is live and which is on trial: side by side, how good, tried on history, and switched."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.flags_model import Flag
from trust_portal.cost.detection.replay import WEEKS
from trust_portal.cost.trials.model import FRESH, MOST_TENANTS, BackTest, RunBackTest, SetDetectorFlag
from trust_portal.cost.trials.quality import by_detector
from trust_portal.errors import InvalidInput, Refused
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, day_of, one_of, read_form, required, start_of, texts
from trust_portal.web.navigation import tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.cost.screen import cost_frame

_FIRST = "back_test"
#: Finds that a page lists of each kind, the newest; the sums are of all.
_SHOWN: Final = 50


class Step(StrEnum):
    """What the form does. Two of them rest on a back-test."""

    SHADOW = "shadow"
    PROMOTE = "promote"
    END = "end"
    STEP_BACK = "step_back"

    @property
    def flag(self) -> Flag:
        return Flag.SHADOW if self in {Step.SHADOW, Step.END} else Flag.LIVE

    @property
    def enables(self) -> bool:
        return self in {Step.SHADOW, Step.PROMOTE}


STEPS = (
    (Step.SHADOW.value, "Let it watch in shadow"),
    (Step.PROMOTE.value, "Make it live"),
    (Step.END.value, "End the trial"),
    (Step.STEP_BACK.value, "Step back to what was live before"),
)


async def detectors(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="detectors")
    standing = await house.detector_flags.standing(actor, tenant.id)
    asked = request.query_params
    since, until = (
        start_of(day_of(day, name)) if (day := asked.get(name)) else None for name in ("since", "until")
    )
    report = await house.detector_reports.report(
        actor, tenant.id, since, None if until is None else until + timedelta(days=1)
    )
    back_tests = await house.detector_backtests.newest(actor, tenant.id)
    unfinished = await house.detector_backtests.unfinished(actor, tenant.id)
    live, now = str(standing.detectors.live.detector), house.clock.now()
    concerned = {each.tenant_id for each in (*report.comparison.live, *report.comparison.shadow)}
    concerned |= {each.tenant_id for each in report.judgements if each.tenant_id is not None}
    return page(
        request,
        "cost/detectors.html",
        status_code=form.status,
        standing=standing,
        live=live,
        report=report,
        asked={name: request.query_params.get(name, "") for name in ("since", "until")},
        compared=report.comparison,
        sums=report.comparison.sums(),
        most=_SHOWN,
        by_detector=by_detector(report.judgements),
        whose=await house.tenants.named(actor, concerned),
        back_tests=back_tests,
        unfinished=unfinished,
        carrying=[
            (str(each.id), f"{each.detector}, {each.weeks} weeks, {each.ran_at:%d %b %H:%M} UTC")
            for each in back_tests
            if each.live == live and now - each.ran_at <= FRESH
        ],
        fresh_days=FRESH.days,
        others=[(each, each) for each in house.detector_flags.known if each != live],
        weeks=[(str(each), f"{each} weeks") for each in WEEKS],
        steps=STEPS,
        for_everybody=tenant.is_vendor,
        most_tenants=MOST_TENANTS,
        form=form,
        may_set=house.gate.allows(actor, Action.DETECTOR_FLAG_SET, Resource.of_house("detector flag")),
        **cost_frame(request, tenant),
    )


async def set_detector(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="detectors"), await read_form(request)
    try:
        step = one_of(Step, required(form, "step", label="what to do"), "step")
        assert step is not None  # noqa: S101 - required
        test = _id_of(form.get(_FIRST)) if step.enables else None
        command = SetDetectorFlag(tenant.id, step.flag, step.enables, str(form.get("reason", "")), test)
        await house_of(request).detector_flags.set(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await detectors(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/detectors", status_code=303)


async def run_back_test(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="detectors"), await read_form(request)
    try:
        weeks = str(form.get("weeks") or "8")
        known = weeks.isascii() and weeks.isdigit() and len(weeks) < 4
        command = RunBackTest(tenant.id, required(form, "detector"), int(weeks) if known else 0)
        run = await house_of(request).detector_backtests.ask(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await detectors(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/cost/detectors/back-tests/{run.id}", status_code=303)


async def back_test(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="detectors")
    found = await house.detector_backtests.get(actor, tenant.id, request.path_params["test"])
    done = isinstance(found, BackTest)
    return page(
        request,
        "cost/back_test.html",
        part="cost/back_test_outcome.html",
        asked=found,
        test=found if done else None,
        may_set=house.gate.allows(actor, Action.DETECTOR_FLAG_SET, Resource.of_house("detector flag")),
        for_everybody=tenant.is_vendor,
        **cost_frame(request, tenant),
    )


def _id_of(text: object) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(str(text))
    except ValueError:
        raise InvalidInput("choose a back-test", field=_FIRST) from None


_ALL = "/t/{tenant}/cost/detectors"
routes = [
    Route(_ALL, detectors, methods=["GET"]),
    Route(_ALL, set_detector, methods=["POST"]),
    Route(f"{_ALL}/back-tests", run_back_test, methods=["POST"]),
    Route(f"{_ALL}/back-tests/{{test:uuid}}", back_test, methods=["GET"]),
]
