"""What the vendor adds to Trust Reports in its own words, for one customer or for all."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.notes.model import NOUN, NoteKind, WriteNote
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, day_of, read_form, required, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page


async def notes(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose="Trust Report")
    return page(
        request,
        "trust/notes.html",
        status_code=form.status,
        notes=await house.trust_notes.standing(actor, tenant.id),
        vendor_id=VENDOR_ID,
        today=house.clock.now().date().isoformat(),
        form=form,
        may_write=house.gate.allows(actor, Action.TRUST_NOTE_WRITE, Resource(NOUN, tenant.id)),
        may_trace=house.gate.allows(actor, Action.RECEIPT_READ, Resource("receipt", tenant.id)),
        **frame(request, tenant),
    )


async def write(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose="Trust Report"), await read_form(request)
    given = texts(form)
    try:
        kind, subject, valid_from, valid_to = together(
            lambda: _kind(given.get("kind", "")),
            lambda: required(form, "subject", label="what it is about"),
            lambda: day_of(required(form, "valid_from", label="the day from which it holds"), "valid_from"),
            lambda: day_of(given["valid_to"], "valid_to") if given.get("valid_to") else None,
        )
        whose = VENDOR_ID if given.get("everybody") else tenant.id
        command = WriteNote(whose, kind, subject, given.get("text") or None, valid_from, valid_to)
        await house_of(request).trust_notes.write(command, actor_of(request))
    except Refused as refusal:
        if refusal.status in {401, 403} or (refusal.status == 404 and refusal.field != "subject"):
            raise
        return await notes(request, FormState(given, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/trust/notes", status_code=303)


def _kind(text: str) -> NoteKind:
    try:
        return NoteKind(text)
    except ValueError as error:
        raise InvalidInput("say whether it is a sub-processor or a note", field="kind") from error


routes = [
    Route("/t/{tenant}/trust/notes", notes, methods=["GET"]),
    Route("/t/{tenant}/trust/notes", write, methods=["POST"]),
]
