"""Business reviews of a tenant: the list, a draft with its slots, one that went out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.period import quarter_before
from trust_portal.trust.qbr.document import (
    NEVER_OMITTED,
    acknowledged_of,
    commentary_of,
    customer_sections,
    omission_of,
    sections_of,
    title_of,
)
from trust_portal.trust.qbr.ids import PROPOSED, RECOMMENDATIONS
from trust_portal.trust.qbr.internal import (
    Internal,
    comments_on,
    internal_csv,
    internal_json,
    internal_pdf,
    internal_pptx,
)
from trust_portal.trust.qbr.model import (
    CSV_FILE,
    DOCUMENT_FILE,
    NOUN,
    PDF_FILE,
    PPTX_FILE,
    Audience,
    CommitmentState,
    Draft,
    EntryKind,
    IssueQbr,
    Prepare,
    Promise,
    Review,
    Say,
    Settle,
    Verdict,
    last_of,
)
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.report.model import Acknowledgement, blocked_as, blocking
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, day_of, one_of, read_form, required, texts
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page

_PURPOSE = "business review"
_REASON, _SEEN = "reason-", "seen-"
_FILES = ((PPTX_FILE, "slides"), (PDF_FILE, "PDF"), (DOCUMENT_FILE, "JSON"), (CSV_FILE, "CSV"))
#: Kind of mark and word, by state of a commitment.
COMMITMENTS = {
    CommitmentState.OPEN: ("busy", "Open"),
    CommitmentState.KEPT: ("good", "Kept"),
    CommitmentState.MISSED: ("bad", "Missed"),
    CommitmentState.DROPPED: ("mute", "Dropped"),
}


async def reviews(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    rights = _rights(request, tenant)
    staff = rights["may_read_drafts"]
    issued = await house.qbr_reader.issued(actor, tenant.id)
    return page(
        request,
        "trust/qbr/list.html",
        status_code=form.status,
        issued=issued,
        standing={each.period: each for each in reversed(issued)},
        drafts=await house.qbr_reader.drafts(actor, tenant.id) if staff else (),
        commitments=await house.qbr_reader.commitments(actor, tenant.id) if staff else (),
        states=COMMITMENTS,
        today=house.clock.now().date(),
        period=quarter_before(house.clock.now()),
        form=form,
        **rights,
        **frame(request, tenant),
    )


async def prepare(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    try:
        command = Prepare(tenant.id, required(form, "period"))
        qbr = await house_of(request).qbrs.prepare(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await reviews(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/qbr/{qbr.id}/draft", status_code=303)


async def review(request: Request) -> Response:
    """One that went out, as it was signed."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    opened = await house.qbr_reader.get(actor, tenant.id, request.path_params["qbr"])
    return page(
        request,
        "trust/qbr/issued.html",
        title=title_of(opened.document),
        opened=opened,
        qbr=opened.qbr,
        document=opened.document,
        sections=sections_of(opened.document),
        acknowledged=acknowledged_of(opened.document),
        commentary=commentary_of(opened.document),
        files=_FILES,
        key=tenant.key,
        **_rights(request, tenant),
        **frame(request, tenant),
    )


async def draft(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    found = await house.qbr_reader.draft(actor, tenant.id, request.path_params["qbr"])
    blocked = blocking(customer_sections(found.sections, found.entries))
    return page(
        request,
        "trust/qbr/draft.html",
        status_code=form.status,
        draft=found,
        qbr=found.qbr,
        comments={each.id: comments_on(found, each.id) for each in found.sections},
        omissions={each.id: omission_of(found.entries, each.id) for each in found.sections},
        never_omitted=NEVER_OMITTED,
        advice=_advice(found),
        blocking=blocked,
        seen={each.id: blocked_as(each) for each in blocked},
        form=form,
        **_rights(request, tenant),
        **frame(request, tenant),
    )


async def say(request: Request) -> Response:
    """A comment, or an omission; nothing written takes it back."""
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    given = texts(form)
    section = given.get("section", "")
    try:
        command = Say(
            tenant.id,
            required(form, "period"),
            one_of(EntryKind, form.get("kind"), "kind") or EntryKind.COMMENT,
            section,
            given.get("text", ""),
            one_of(Audience, form.get("audience"), "audience") or Audience.CUSTOMER,
        )
        await house_of(request).qbrs.say(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, given, refusal)
    return _to_draft(request, tenant, f"#section-{section}")


async def judge(request: Request) -> Response:
    """A recommendation is accepted or declined."""
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    given = texts(form)
    try:
        verdict = one_of(Verdict, form.get("verdict"), "verdict")
        if verdict is None:
            raise InvalidInput("accept or decline it", field="verdict")
        command = Review(
            tenant.id,
            required(form, "period"),
            required(form, "recommendation"),
            required(form, "seen"),
            verdict,
            required(form, "why", label="reason"),
        )
        await house_of(request).qbrs.review(command, actor_of(request))
    except Refused as refusal:
        if refusal.field in {"reason", "why"}:
            refusal.field = f"why-{given.get('recommendation', '')}"
        return await _refused(request, given, refusal)
    return _to_draft(request, tenant, f"#section-{RECOMMENDATIONS}")


async def issue(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    given = texts(form)
    qbr_id: UUID = request.path_params["qbr"]
    try:
        command = IssueQbr(
            tenant.id,
            qbr_id,
            _acknowledgements(given),
            given.get("reason") or None,
            _count(given["entries"]) if given.get("entries") else None,
        )
        await house_of(request).qbrs.issue(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, given, refusal)
    return RedirectResponse(f"{tenant_path(tenant)}/qbr/{qbr_id}", status_code=303)


async def internal_slides(request: Request) -> Response:
    """The internal rendering as slides: everything, with every comment; not signed."""
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    return await _internal(request, internal_pptx, kind, "pptx")


async def internal_paper(request: Request) -> Response:
    """The same as PDF."""
    return await _internal(request, internal_pdf, "application/pdf", "pdf")


async def internal_table(request: Request) -> Response:
    """Its values as CSV."""
    return await _internal(request, internal_csv, "text/csv; charset=utf-8", "csv")


async def internal_document(request: Request) -> Response:
    """Its values and comments as JSON."""
    return await _internal(request, internal_json, "application/json", "json")


async def _internal(
    request: Request, make: Callable[[Internal], bytes], media_type: str, suffix: str
) -> Response:
    house = house_of(request)
    tenant = await tenant_of(request, purpose=_PURPOSE)
    found = await house.qbr_reader.draft(actor_of(request), tenant.id, request.path_params["qbr"])
    internal = Internal(found, tenant.name, house.settings.vendor_name)
    name = f"{tenant.key}-qbr-{found.qbr.period}-internal.{suffix}"
    return Response(
        await house.press.set(lambda: make(internal)),
        media_type=media_type,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def promise(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    try:
        command = Promise(
            tenant.id, required(form, "text"), required(form, "owner"), day_of(required(form, "due"), "due")
        )
        await house_of(request).qbrs.promise(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await reviews(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/qbr#commitments", status_code=303)


async def settle(request: Request) -> Response:
    tenant, form = await tenant_of(request, purpose=_PURPOSE), await read_form(request)
    try:
        state = one_of(CommitmentState, form.get("state"), "state")
        if state is None:
            raise InvalidInput("say whether it was kept, missed or dropped", field="state")
        command = Settle(tenant.id, request.path_params["commitment"], state, required(form, "evidence"))
        await house_of(request).qbrs.settle(command, actor_of(request))
    except Refused as refusal:
        if not refusal.mendable:
            raise
        return await reviews(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/qbr#commitments", status_code=303)


async def _refused(request: Request, given: Mapping[str, str], refusal: Refused) -> Response:
    if not refusal.mendable:
        raise refusal
    return await draft(request, FormState(given, refusal))


def _to_draft(request: Request, tenant: Tenant, place: str) -> Response:
    path = f"{tenant_path(tenant)}/qbr/{request.path_params['qbr']}/draft{place}"
    return RedirectResponse(path, status_code=303)


def _advice(found: Draft) -> list[dict[str, Any]]:
    """The recommendations with what was said of each as it stands."""
    section = next((each for each in found.sections if each.id == RECOMMENDATIONS), None)
    if section is None:
        return []
    lines = []
    for row in section.table(PROPOSED).rows:
        digest = seen(section, row.id)
        said = last_of(found.entries, EntryKind.REVIEW, row.id)
        stands = said if said is not None and said.seen == digest else None
        lines.append({"id": row.id, "title": row.cells[0].value, "seen": digest, "review": stands})
    return lines


def _acknowledgements(given: Mapping[str, str]) -> tuple[Acknowledgement, ...]:
    """Those with a reason: an empty one acknowledges nothing."""
    return tuple(
        Acknowledgement(name.removeprefix(_SEEN), reason, text)
        for name, text in given.items()
        if name.startswith(_SEEN) and (reason := given.get(_REASON + name.removeprefix(_SEEN)))
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidInput("how many entries were read", field="entries")
    return int(text)


def _rights(request: Request, tenant: Tenant) -> dict[str, Any]:
    actor, gate = actor_of(request), house_of(request).gate

    def may(action: Action, kind: str = NOUN) -> bool:
        return gate.allows(actor, action, Resource(kind, tenant.id))

    return {
        "may_read_drafts": may(Action.QBR_DRAFT_READ),
        "may_write": may(Action.QBR_WRITE),
        "may_review": may(Action.QBR_REVIEW),
        "may_issue": may(Action.QBR_ISSUE),
        "may_download": may(Action.EXPORT_DOWNLOAD, "export"),
        "may_trace": may(Action.RECEIPT_READ, "receipt"),
    }


routes = [
    Route("/t/{tenant}/qbr", reviews, methods=["GET"]),
    Route("/t/{tenant}/qbr", prepare, methods=["POST"]),
    Route("/t/{tenant}/qbr/commitments", promise, methods=["POST"]),
    Route("/t/{tenant}/qbr/commitments/{commitment:uuid}", settle, methods=["POST"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}", review, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/draft", draft, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.csv", internal_table, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.json", internal_document, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.pdf", internal_paper, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/internal.pptx", internal_slides, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/say", say, methods=["POST"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/review", judge, methods=["POST"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/issue", issue, methods=["POST"]),
]
