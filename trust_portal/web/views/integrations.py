"""Pagers: where they deliver, by which rules their alarms become incidents, and trying these first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, NotFound, Refused
from trust_portal.facts.events import AlarmSource
from trust_portal.learning.incidents.integrating import NOUN, Tried
from trust_portal.learning.incidents.integrations_model import RefusedDelivery, SetIntegration
from trust_portal.learning.incidents.mapping import Ignored, Mapped
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, read_form, texts
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page

#: How each is called.
KINDS: Final = [
    (AlarmSource.ALERTMANAGER.value, "Prometheus Alertmanager"),
    (AlarmSource.PAGERDUTY.value, "PagerDuty"),
]
#: Where somebody begins who sets one up.
FIRST_RULES: Final = {
    AlarmSource.ALERTMANAGER: """\
- when:
    labels.severity: critical
  severity: P1
  service: "{labels.service}"
  title: "{annotations.summary}"
- when:
    labels.severity: warning
  severity: P3
  service: "{labels.service}"
  title: "{annotations.summary}"
""",
    AlarmSource.PAGERDUTY: """\
- when:
    priority.summary: P*
  severity: "{priority.summary}"
  service: "{service.summary}"
  title: "{title}"
- when:
    urgency: high
  severity: P2
  service: "{service.summary}"
  title: "{title}"
""",
}


async def integrations(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    return page(
        request,
        "incidents/integrations.html",
        status_code=form.status,
        integrations=await house.incident_integrations.all(actor),
        kinds=KINDS,
        form=form,
        may_set=_may_set(request),
        **frame(request),
    )


async def create(request: Request) -> Response:
    form = await read_form(request)
    try:
        kind = one_of(AlarmSource, form.get("kind"), "kind")
        if kind is None:
            raise InvalidInput("choose a kind", field="kind")
        command = SetIntegration(
            kind,
            str(form.get("name", "")).strip(),
            FIRST_RULES[kind],
            str(form.get("reason", "")),
            secret=str(form.get("secret", "")),
        )
        made = await house_of(request).incident_integrations.set(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await integrations(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/incidents/integrations/{made.source}", status_code=303)


#: Why a delivery was turned away.
_REFUSALS: Final[Mapping[RefusedDelivery, str]] = {
    RefusedDelivery.OFF: "It was delivered while its alarms are not taken in",
    RefusedDelivery.UNPROVED: "It did not prove itself by the secret or token on record, or was too large for that",
    RefusedDelivery.UNREADABLE: "It was no delivery that this pager sends",
}


async def integration(
    request: Request,
    form: FormState = FormState(),
    tried: Tried | None = None,
) -> Response:
    actor, house = actor_of(request), house_of(request)
    view = await house.incident_integrations.get(actor, _kind(request), request.path_params["name"])
    return page(
        request,
        "incidents/integration.html",
        status_code=form.status,
        view=view,
        integration=view.integration,
        address=f"{house.settings.base_url}/webhooks/in/{view.integration.source}",
        form=form,
        tried=tried,
        outcome=_outcome(tried),
        may_set=_may_set(request),
        may_tell=house.gate.allows(actor, Action.INCIDENT_UPDATE, Resource.of_house("incident")),
        refusals=_REFUSALS,
        receipts="/t/vendor/receipts/"
        if house.gate.allows(actor, Action.RECEIPT_READ, Resource.of_house("receipt"))
        else None,
        **frame(request),
    )


async def change(request: Request) -> Response:
    """Save the rules, or try them on a payload: the same form, another button."""
    form, kind, name = await read_form(request), _kind(request), request.path_params["name"]
    house, actor = house_of(request), actor_of(request)
    try:
        if form.get("do") == "try":
            body = str(form.get("body", "")).encode()
            tried = await house.incident_integrations.try_rules(actor, kind, str(form.get("rules", "")), body)
            return await integration(request, FormState(texts(form)), tried)
        command = SetIntegration(
            kind,
            name,
            str(form.get("rules", "")),
            str(form.get("reason", "")),
            enabled=form.get("enabled") == "yes",
            version=_version(form),
            secret=str(form.get("secret", "")),
            renew=form.get("renew") == "yes",
        )
        await house.incident_integrations.set(command, actor)
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await integration(request, FormState(texts(form), refusal))
    return RedirectResponse(f"/incidents/integrations/{kind.value}/{name}", status_code=303)


def _outcome(tried: Tried | None) -> list[tuple[str, Any]]:
    """What trying came to, as terms and descriptions."""
    if tried is None:
        return []
    found = tried.outcome
    told: list[tuple[str, Any]] = [("Tells", tried.alarm.kind.value), ("Incident", tried.alarm.key)]
    if isinstance(found, Ignored):
        return [*told, ("Ignored", f"by rule {found.rule}: {found.why}")]
    if not isinstance(found, Mapped):
        return [*told, ("Becomes no incident", found.why)]
    return [
        *told,
        ("Rule", str(found.rule)),
        ("Severity", found.severity.value),
        ("Service", found.service),
        ("Title", found.title),
        ("Owner", found.owner or "the pager itself"),
        ("Team", found.team or "none"),
        ("Customers", ", ".join(found.tenants) if found.tenants else "it may be every customer"),
        ("Objectives", ", ".join(found.objectives) if found.objectives else "it may be all of them"),
    ]


def _kind(request: Request) -> AlarmSource:
    try:
        return AlarmSource(request.path_params["kind"])
    except ValueError:
        raise NotFound(NOUN) from None


def _version(form: FormData) -> int:
    text = str(form.get("version", ""))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or text == "0":
        raise InvalidInput("read the page again", field="version")
    return int(text)


def _may_set(request: Request) -> bool:
    gate = house_of(request).gate
    return gate.allows(actor_of(request), Action.INCIDENT_INTEGRATION_SET, Resource.of_house(NOUN))


_ONE = "/incidents/integrations/{kind}/{name}"
routes = [
    Route("/incidents/integrations", integrations, methods=["GET"]),
    Route("/incidents/integrations", create, methods=["POST"]),
    Route(_ONE, integration, methods=["GET"]),
    Route(_ONE, change, methods=["POST"]),
]
