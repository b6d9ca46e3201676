"""Compliance: how one tenant's controls came out, where everybody stands, and roles to be reviewed."""

from __future__ import annotations

from datetime import timedelta

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.compliance.downloads import MEDIA_TYPES
from trust_portal.trust.compliance.imports.service import (
    ChangeReaders,
    ImportAssessment,
    WithdrawAssessment,
)
from trust_portal.trust.compliance.model import NOUN, AssessmentReaders, ControlState, Evaluate
from trust_portal.trust.compliance.oscal.reading import LARGEST
from trust_portal.trust.compliance.reviews.model import NOUN as REVIEW
from trust_portal.trust.compliance.reviews.model import RecordReview, ReviewAct
from trust_portal.trust.compliance.section import compliance_section
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import FormState, one_of, page_request, read_form, required, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page

#: Bytes of a form beside its file.
_FORM_AROUND = 64 * 1024
_IMPORT_FIELDS = frozenset({"document", "max_age", "readers", "reason", "source"})


async def everybody(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    resource = Resource.of_house(NOUN)
    return page(
        request,
        "trust/compliance_house.html",
        status_code=form.status,
        standings=await house.compliance.standings(actor, page_request(request)),
        own=await house.compliance.newest(actor, VENDOR_ID),
        imports=await house.assessment_imports.newest(actor),
        now=house.clock.now(),
        readers=[(each.value, each.words) for each in AssessmentReaders],
        form=form,
        may_import=house.gate.allows(actor, Action.COMPLIANCE_IMPORT, resource),
        **frame(request),
    )


async def take_import(request: Request) -> Response:
    """The one form of the portal that takes a file: asked for first, bounded before it is read, kept if all is right."""
    actor, house = actor_of(request), house_of(request)
    await house.gate.require(actor, Action.COMPLIANCE_IMPORT, Resource.of_house(NOUN))
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST + _FORM_AROUND:
        return await everybody(request, FormState({}, InvalidInput("at most 4 MiB", field="document")))
    async with request.form(max_files=1, max_fields=10) as form:
        given = texts(form)
        try:
            file = form.get("document")
            document = await file.read(LARGEST + 1) if isinstance(file, UploadFile) else b""
            source, _, max_age, readers, reason = together(
                lambda: required(form, "source", label="who assessed it"),
                lambda: _something(document),
                lambda: _days(required(form, "max_age", label="for how many days it is fresh")),
                lambda: _readers(given.get("readers")),
                lambda: required(form, "reason", label="the reason"),
            )
            command = ImportAssessment(source, document, max_age, reason, readers)
            await house.assessment_imports.take(command, actor)
        except Refused as refusal:
            if not refusal.mendable:
                raise
            return await everybody(request, FormState(given, _at_a_field(refusal)))
    return RedirectResponse("/compliance", status_code=303)


def _something(document: bytes) -> bytes:
    if not document:
        raise InvalidInput("choose a file", field="document")
    return document


async def withdraw_import(request: Request) -> Response:
    house, form = house_of(request), await read_form(request)
    import_id = request.path_params["import"]
    try:
        command = WithdrawAssessment(import_id, required(form, "reason", label="the reason"))
        await house.assessment_imports.withdraw(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await everybody(request, FormState(texts(form), refusal).of(import_id))
    return RedirectResponse("/compliance", status_code=303)


async def change_readers(request: Request) -> Response:
    house, form = house_of(request), await read_form(request)
    import_id = request.path_params["import"]
    try:
        command = ChangeReaders(
            import_id, _readers(texts(form).get("readers")), required(form, "reason", label="the reason")
        )
        await house.assessment_imports.change_readers(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await everybody(request, FormState(texts(form), refusal).of(f"readers-{import_id}"))
    return RedirectResponse("/compliance", status_code=303)


async def import_bytes(request: Request) -> Response:
    """What was handed over, byte for byte: its digest is printed in evaluations and Trust Reports."""
    tenant = await tenant_of(request, purpose=NOUN)
    imported, document = await house_of(request).assessment_imports.download(
        actor_of(request), tenant.id, request.path_params["import"]
    )
    return attachment(document, "application/json", f"assessment-{imported.sha256[:16]}.json")


async def compliance(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=NOUN)
    earlier = request.path_params.get("evaluation")
    evaluation = (
        await house.compliance.newest(actor, tenant.id)
        if earlier is None
        else await house.compliance.get(actor, tenant.id, earlier)
    )
    # An earlier one is read as what was known then; the latest also for what it did not see.
    assessed_at = None if earlier is not None else await house.compliance.assessed_at(actor, tenant.id)
    return page(
        request,
        "trust/compliance.html",
        status_code=form.status,
        evaluation=evaluation,
        earlier=earlier is not None,
        states=ControlState,
        history=await house.compliance.history(actor, tenant.id, page_request(request)),
        section=compliance_section(evaluation, house.clock.now(), assessed_at),
        controls=house.compliance.catalogue.controls,
        files=() if evaluation is None else house.compliance.files(evaluation),
        form=form,
        may_evaluate=house.gate.allows(actor, Action.COMPLIANCE_EVALUATE, Resource.of_house(NOUN)),
        may_review=_may(request, Action.PERSON_READ, REVIEW, tenant),
        may_export=_may(request, Action.EXPORT_REQUEST, "export", tenant),
        **frame(request, tenant),
    )


async def evaluate(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=NOUN), await read_form(request)
    try:
        command = Evaluate(tenant.id, required(form, "reason", label="the reason"))
        await house_of(request).compliance.evaluate(command, actor_of(request))
    except InvalidInput as refusal:
        return await compliance(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/compliance", status_code=303)


async def download(request: Request) -> Response:
    """The document of an evaluation, or what follows from it, by name; the same bytes every time."""
    tenant, name = await tenant_of(request, purpose=NOUN), request.path_params["name"]
    files = await house_of(request).compliance.download(
        actor_of(request), tenant.id, request.path_params["evaluation"], name
    )
    return attachment(files[name], MEDIA_TYPES[name], f"{tenant.key}-{name}")


async def export(request: Request) -> Response:
    tenant = await tenant_of(request, purpose=NOUN)
    await house_of(request).compliance.export(actor_of(request), tenant.id, request.path_params["evaluation"])
    return RedirectResponse(f"{tenant_path(tenant)}/exports", status_code=303)


async def roles(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request)
    return page(
        request,
        "trust/access_review.html",
        status_code=form.status,
        held=await house.access_reviews.held(actor, tenant.id),
        now=house.clock.now(),
        me=actor.person_id,
        form=form,
        refused=request.path_params.get("grant"),
        may_review=_may(request, Action.ACCESS_REVIEW, REVIEW, tenant),
        **frame(request, tenant),
    )


async def review(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        act = one_of(ReviewAct, required(form, "act", label="what you decide"), "act")
        if act is None:
            raise InvalidInput("confirm or revoke it", field="act")
        command = RecordReview(
            tenant.id, request.path_params["grant"], act, required(form, "reason", label="the reason")
        )
        await house_of(request).access_reviews.record(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await roles(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/access-review", status_code=303)


def _at_a_field(refusal: Refused) -> Refused:
    """A place in the document is no field of the form: it is said in words, at the document."""
    if refusal.field is None or refusal.field in _IMPORT_FIELDS:
        return refusal
    return InvalidInput(f"{refusal.field}: {refusal.message}", field="document", code=refusal.code)


def _readers(text: str | None) -> AssessmentReaders:
    readers = one_of(AssessmentReaders, text, "readers")
    if readers is None:
        raise InvalidInput("choose who may read the file", field="readers")
    return readers


def _days(text: str) -> timedelta:
    if not text.isdecimal() or not 1 <= len(text) <= 4:
        raise InvalidInput("a whole number of days", field="max_age")
    return timedelta(days=int(text))


def _may(request: Request, action: Action, noun: str, tenant: Tenant) -> bool:
    return house_of(request).gate.allows(actor_of(request), action, Resource(noun, tenant.id))


routes = [
    Route("/compliance", everybody, methods=["GET"]),
    Route("/compliance/imports", take_import, methods=["POST"]),
    Route("/compliance/imports/{import:uuid}/withdraw", withdraw_import, methods=["POST"]),
    Route("/compliance/imports/{import:uuid}/readers", change_readers, methods=["POST"]),
    Route("/t/{tenant}/compliance/imports/{import:uuid}", import_bytes, methods=["GET"]),
    Route("/t/{tenant}/compliance", compliance, methods=["GET"]),
    Route("/t/{tenant}/compliance/{evaluation:uuid}", compliance, methods=["GET"]),
    Route("/t/{tenant}/compliance", evaluate, methods=["POST"]),
    Route("/t/{tenant}/compliance/{evaluation:uuid}/export", export, methods=["POST"]),
    Route("/t/{tenant}/compliance/{evaluation:uuid}/{name}", download, methods=["GET"]),
    Route("/t/{tenant}/access-review", roles, methods=["GET"]),
    Route("/t/{tenant}/access-review/{grant:uuid}", review, methods=["POST"]),
]
