"""Incidents of all customers, for staff: the list, one with its course, declaring one and telling of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.documents import formats
from trust_portal.errors import Conflict, InvalidInput, Refused
from trust_portal.learning.incidents.acts_model import (
    DeclareIncident,
    Telling,
    TellOfIncident,
    command_of,
    one_line,
)
from trust_portal.learning.incidents.model import NOUN, Incident, IncidentFilter, Severity
from trust_portal.learning.incidents.touched import AffectingIncident
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import (
    FormState,
    moment_of,
    one_of,
    page_request,
    read_form,
    required,
    texts,
    together,
)
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.choosing_incidents import others_than
from trust_portal.web.views.promised import promised_of

_FILTERS: Final = ("state", "severity", "service", "team", "customer", "words", "claimed")
_STATES: Final = {"open": True, "resolved": False}
_SEVERITIES: Final = [(each.value, each.value) for each in Severity]
_SENT_BEFORE: Final = (
    "this form has declared another incident already; send it once more to declare this one too"
)
#: What can be told, in the order in which it usually happens.
_ACTS: Final = [
    ("note", "A note"),
    ("turning_point", "A turning point"),
    ("severity", "Another severity"),
    ("told_customer", "Customers were told"),
    ("mitigated", "Mitigated: customers stopped being hurt"),
    ("resolved", "Resolved: it is over"),
    ("reopened", "Reopened: it was not over"),
]
KINDS: Final = {
    "declared": "Declared",
    "note": "Note",
    "severity": "Severity",
    "told_customer": "Customers told",
    "mitigation": "Step",
    "affected": "Whom it touches",
    "owner": "Owner",
    "merged": "Merged",
    "unmerged": "Goes on by itself again",
    "mitigated": "Mitigated",
    "resolved": "Resolved",
    "reopened": "Reopened",
    "downgraded": "Less severe",
}


async def incidents(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    asked = {name: request.query_params.get(name, "") for name in _FILTERS}
    customers, _ = await house.incidents.choices(actor)
    listed = await house.incidents.page(actor, _wanted(asked, customers), page_request(request))
    return page(
        request,
        "incidents/list.html",
        listed=listed,
        owners=await house.incidents.owners(actor, listed.items),
        customers=[("", "Every customer"), *((each.key, each.name) for each in customers)],
        gaps=await house.incidents.gaps(actor),
        asked=asked,
        filters=urlencode({name: value for name, value in asked.items() if value}),
        severities=_SEVERITIES,
        may_declare=house.gate.allows(actor, Action.INCIDENT_DECLARE, Resource.of_house(NOUN)),
        may_tell=house.gate.allows(actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN)),
        **frame(request),
    )


async def declaring(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    await house.gate.require(actor, Action.INCIDENT_DECLARE, Resource.of_house(NOUN))
    customers, people = await house.incidents.choices(actor)
    now = house.clock.now()
    of_gap = form.value("gap") or request.query_params.get("source", "")
    kept = "" if isinstance(form.refusal, Conflict) and not of_gap else form.value("key")
    gap = None
    if of_gap and form.refusal is None:
        gap = await house.incident_gaps.find(actor, of_gap, request.query_params.get("key", ""))
        kept, now = gap.key, gap.first_at
    return page(
        request,
        "incidents/declare.html",
        status_code=form.status,
        form=form,
        severities=_SEVERITIES,
        customers=customers,
        chosen=form.value("tenants").split(),
        people=[("", "I do"), *((str(each.id), each.name) for each in people)],
        now=f"{now:%Y-%m-%dT%H:%M}",
        key=kept or house.incidents.new_key(),
        of_gap=of_gap,
        alarms=form.value("alarms") or ("yes" if gap and gap.alarms else ""),
        severity=form.value("severity")
        or (gap.assumed_severity.value if gap and gap.assumed_severity else ""),
        **frame(request),
    )


async def declare(request: Request) -> Response:
    """The form's key makes it one declaration: sent twice, by a double click or a reload, it leads to the one."""
    actor, incidents_, form = actor_of(request), house_of(request).incidents, await read_form(request)
    gap = str(form.get("gap", "")) or None
    try:
        title, severity, service, began_at, detected_at, owner_id = together(
            lambda: one_line(str(form.get("title", "")), "title"),
            lambda: _severity(form),
            lambda: one_line(str(form.get("service", "")), "service"),
            lambda: moment_of(form.get("began_at"), "began_at"),
            lambda: moment_of(form.get("detected_at"), "detected_at"),
            lambda: _uuid(form.get("owner"), "owner"),
        )
        command = DeclareIncident(
            title=title,
            severity=severity,
            service=service,
            began_at=began_at,
            detected_at=detected_at,
            tenants=_keys(form, "tenants"),
            objectives=_objectives(form),
            owner_id=owner_id,
            team=str(form.get("team", "")) or None,
            key=str(form.get("key", "")) if gap else required(form, "key"),
            alarms_of=gap if form.get("alarms") == "yes" else None,
            gap_of=gap,
            reason=str(form.get("reason", "")) or None,
        )
        try:
            made = await incidents_.declare(command, actor)
        except Conflict as refusal:
            before = await incidents_.declared_before(command, actor)
            if before is None and gap:
                raise
            if before is None:
                raise Conflict(_SENT_BEFORE, code=refusal.code) from refusal
            made = before
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await declaring(request, _typed(form, refusal))
    return RedirectResponse(f"/incidents/{made.id}", status_code=303)


async def incident(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    view = await house.incidents.get(actor, request.path_params["incident"])
    found = view.incident
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource.of_house("receipt"))
    may_tell = house.gate.allows(actor, Action.INCIDENT_UPDATE, Resource.of_house(NOUN, found.id))
    customers, people = await house.incidents.choices(actor) if may_tell else ((), ())
    return page(
        request,
        "incidents/incident.html",
        status_code=form.status,
        incident=found,
        view=view,
        owner=(await house.incidents.owners(actor, [found]))[found.id],
        kinds=KINDS,
        stamps=stamps_of(found),
        shown_objectives=[
            f"{each} (no contract in force has it)" if each in view.unknown_objectives else each
            for each in found.objectives or ()
        ],
        figures=_spans(found),
        recurred=await house.prevention_reader.recurred(actor, found.id),
        promised=await promised_of(request, found.id, view.postmortem_id),
        waits_for=await house.downgrades.waiting(actor, found.id),
        retraction_waits_for=await house.retractions.waiting(actor, found.id),
        receipts="/t/vendor/receipts/" if may_trace else None,
        may_tell=may_tell,
        acts=_ACTS,
        severities=_SEVERITIES,
        customers=customers,
        chosen=form.value("tenants").split() if form.refusal else [tenant.key for tenant in view.customers],
        people=[("", "Choose one"), *((str(each.id), each.name) for each in people)],
        others=await others_than(request, found) if may_tell else [],
        form=form,
        **frame(request),
    )


async def tell(request: Request) -> Response:
    form, id_ = await read_form(request), request.path_params["incident"]
    try:
        into = str(form.get("into_key", "")).strip()
        named = await house_of(request).incidents.named(actor_of(request), into, "into") if into else None
        command = _command(id_, form, None if named is None else named.id)
        await house_of(request).lowering.tell_or_ask(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await incident(request, _typed(form, refusal))
    return RedirectResponse(f"/incidents/{id_}", status_code=303)


def _command(id_: UUID, form: FormData, into_id: UUID | None) -> TellOfIncident:
    telling = one_of(Telling, form.get("act"), "act")
    if telling is None:
        raise InvalidInput("choose what happened", field="act")
    at = form.get("at")
    return command_of(
        telling,
        id_,
        str(form.get("text", "")),
        moment_of(at, "at") if at else None,
        severity=one_of(Severity, form.get("severity"), "severity"),
        into_id=into_id or _uuid(form.get("into"), "into"),
        owner_id=_uuid(form.get("owner"), "owner"),
        tenants=_keys(form, "tenants") if telling is Telling.AFFECTED else None,
        objectives=_objectives(form),
    )


def stamps_of(found: Incident | AffectingIncident) -> list[dict[str, Any]]:
    """The course of an incident: what happened when, and what has not yet. What was passed over is left out."""
    course = [
        ("Began", found.began_at),
        ("Detected", found.detected_at),
        ("Declared", found.declared_at),
        ("Customers told", found.told_at),
        ("Mitigated", found.mitigated_at),
        ("Resolved", found.resolved_at),
    ]
    return [
        {"word": word, "state": "next"} if at is None else {"word": word, "at": formats.instant(at)}
        for word, at in course
        if at is not None or found.resolved_at is None
    ]


def _spans(found: Incident) -> list[tuple[str, str, str]]:
    """How long each part took, as label, value and note."""
    ends = [
        ("To detect", found.began_at, found.detected_at, "from the beginning"),
        ("To tell customers", found.detected_at, found.told_at, "from detection"),
        ("To mitigate", found.detected_at, found.mitigated_at, "from detection"),
        ("To resolve", found.began_at, found.resolved_at, "from the beginning"),
    ]
    return [
        (label, "–" if end is None else _span(max(0, round((end - start).total_seconds() / 60))), note)
        for label, start, end, note in ends
    ]


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _wanted(asked: Mapping[str, str], customers: Iterable[Tenant]) -> IncidentFilter:
    state = asked["state"]
    if state and state not in _STATES:
        raise InvalidInput(f"choose one of {', '.join(_STATES)}", field="state")
    customer = {each.key: each.id for each in customers}.get(asked["customer"])
    if asked["customer"] and customer is None:
        raise InvalidInput("choose one of the customers", field="customer")
    return IncidentFilter(
        severity=one_of(Severity, asked["severity"], "severity"),
        service=asked["service"].strip() or None,
        team=asked["team"].strip() or None,
        customer_id=customer,
        open=_STATES.get(state),
        claimed=bool(asked["claimed"]),
        words=asked["words"].strip(),
    )


def _typed(form: FormData, refusal: Refused) -> FormState:
    """What was typed, the customers that were chosen as words of one text; the key of a gap is what was told."""
    tenants = " ".join(str(each) for each in form.getlist("tenants"))
    return FormState({**texts(form), "tenants": tenants, "key": str(form.get("key", ""))}, refusal)


def _severity(form: FormData) -> Severity:
    severity = one_of(Severity, form.get("severity"), "severity")
    if severity is None:
        raise InvalidInput("choose a severity", field="severity")
    return severity


def _keys(form: FormData, name: str) -> tuple[str, ...] | None:
    if form.get("everybody") == "yes":
        return None
    return tuple(str(each) for each in form.getlist(name) if each)


def _objectives(form: FormData) -> tuple[str, ...] | None:
    """Separated by commas; none: all of them."""
    named = [each.strip() for each in str(form.get("objectives", "")).split(",")]
    return tuple(each for each in named if each) or None


def _uuid(text: object, field: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(str(text))
    except ValueError:
        raise InvalidInput("choose one of the list", field=field) from None


routes = [
    Route("/incidents", incidents, methods=["GET"]),
    Route("/incidents", declare, methods=["POST"]),
    Route("/incidents/declare", declaring, methods=["GET"]),
    Route("/incidents/{incident:uuid}", incident, methods=["GET"]),
    Route("/incidents/{incident:uuid}/tell", tell, methods=["POST"]),
]
