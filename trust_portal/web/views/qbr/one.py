"""One business review: as it was signed, or a draft with its slots."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.trust.qbr.document import NEVER_OMITTED, commentary_of, omission_of, title_of
from trust_portal.trust.qbr.ids import PROPOSED, RECOMMENDATIONS
from trust_portal.trust.qbr.internal import also_said_in, comments_on, inside, running
from trust_portal.trust.qbr.model import (
    CSV_FILE,
    DOCUMENT_FILE,
    PDF_FILE,
    PPTX_FILE,
    Draft,
    EntryKind,
    last_of,
)
from trust_portal.trust.qbr.reviewing import seen
from trust_portal.trust.report.acknowledged import acknowledged_of
from trust_portal.trust.report.model import blocked_as, blocking
from trust_portal.trust.sections.document import sections_of
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.templating import page
from trust_portal.web.views.qbr.screen import PURPOSE, rights_of

_FILES = ((PPTX_FILE, "slides"), (PDF_FILE, "PDF"), (DOCUMENT_FILE, "JSON"), (CSV_FILE, "CSV"))


async def review(request: Request) -> Response:
    """One that went out, as it was signed."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=PURPOSE)
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
        deck=PPTX_FILE,
        **rights_of(request, tenant),
        **frame(request, tenant),
    )


async def latest(request: Request) -> Response:
    """An address that stays the same while a draft is gathered anew; once it went out, that of what did."""
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=PURPOSE)
    found = await house.qbr_reader.latest(actor, tenant.id, request.path_params["period"])
    place = f"{tenant_path(tenant)}/qbr/{found.id}"
    return RedirectResponse(place if found.issue else f"{place}/draft", status_code=303)


async def draft(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    tenant = await tenant_of(request, purpose=PURPOSE)
    found = await house.qbr_reader.draft(actor, tenant.id, request.path_params["qbr"])
    blocked = blocking(found.told)
    locked = {each.id: each.state for each in found.sections}
    return page(
        request,
        "trust/qbr/draft.html",
        status_code=form.status,
        draft=found,
        inside=inside(found),
        runs=running(found, tenant.time_zone),
        qbr=found.qbr,
        comments={each.id: comments_on(found, each.id) for each in found.sections},
        omissions={each.id: omission_of(found.entries, each.id) for each in found.sections},
        also_said_in={
            each.id: also_said_in(found, each.id)
            for each in found.sections
            if omission_of(found.entries, each.id) is not None
        },
        never_omitted=NEVER_OMITTED,
        advice=_advice(found),
        blocking=blocked,
        aged=[each for each in blocked if not locked[each.id].blocks],
        seen={each.id: blocked_as(each) for each in blocked},
        form=form,
        **rights_of(request, tenant),
        **frame(request, tenant),
    )


def _advice(found: Draft) -> list[dict[str, Any]]:
    """The recommendations with what was said of each as it stands."""
    section = next((each for each in found.sections if each.id == RECOMMENDATIONS), None)
    if section is None:
        return []
    lines = []
    for id_, cells in section.table(PROPOSED).by_column():
        digest = seen(section, id_)
        said = last_of(found.entries, EntryKind.REVIEW, id_)
        stands = said if said is not None and said.seen == digest else None
        lines.append({"id": id_, "title": cells["recommendation"].value, "seen": digest, "review": stands})
    return lines


routes = [
    Route("/t/{tenant}/qbr/drafts/{period}", latest, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}", review, methods=["GET"]),
    Route("/t/{tenant}/qbr/{qbr:uuid}/draft", draft, methods=["GET"]),
]
