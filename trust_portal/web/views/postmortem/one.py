"""One postmortem: as it is written, reviewed and signed; and each version as it was signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.policy import Resource
from trust_portal.evidence.export import Export
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import NOUN, PARTS, REQUIRED_PARTS, PostmortemState
from trust_portal.learning.postmortems.reading import Opened
from trust_portal.learning.postmortems.releases_model import StoredRelease
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.postmortem.words import (
    BECAUSE,
    FACTS,
    STATES,
    STEPS,
    leads_of,
    stamps_of,
    standing,
    who_signs,
)
from trust_portal.web.views.promised import promised_of

_VENDOR_ROOT = "/t/vendor"


async def postmortem(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    opened = await house.postmortem_reader.find(actor, postmortem_id(request))
    passkeys = await house.signatures.usable(actor) if may_sign(request, actor, opened) else ()
    releases = await house.postmortem_releases.of_postmortem(actor, opened.postmortem.id)
    known = about(request, actor, opened)
    newest = _newest(releases, lambda each: each.version) if known["may_release"] else []
    concealed = await house.postmortem_releases.concealed(actor, newest)
    return page(
        request,
        "postmortems/postmortem.html",
        part="postmortems/live.html",
        status_code=form.status,
        form=form,
        releases=releases,
        showable=frozenset(id_ for id_, places in concealed.items() if places),
        left_behind=[
            each
            for each in _newest(releases, lambda _: 0)
            if opened.postmortem.signed is not None and each.version < opened.postmortem.signed.number
        ],
        recurred=await house.prevention_reader.recurred(actor, opened.incident.id),
        promised=await promised_of(
            request,
            opened.incident.id,
            opened.postmortem.id,
            signed=opened.postmortem.state is PostmortemState.SIGNED,
            open_=opened.postmortem.state is not PostmortemState.IN_REVIEW,
        ),
        not_looked_at=await _not_looked_at(request, opened) if known["may_release"] else [],
        passkeys=passkeys,
        passkeys_unavailable=house.passkeys.unavailable(),
        **known,
        **frame(request),
    )


def _newest(releases: Sequence[StoredRelease], by: Callable[[StoredRelease], int]) -> list[StoredRelease]:
    """Of each customer, and of what ``by`` tells apart, the one of the highest version and revision."""
    newest: dict[tuple[UUID, int], StoredRelease] = {}
    for each in sorted(releases, key=lambda one: (one.version, one.revision)):
        newest[each.customer_id, by(each)] = each
    return sorted(newest.values(), key=lambda each: each.customer["name"])


async def _not_looked_at(request: Request, opened: Opened) -> list[tuple[str, str]]:
    """Customers that it may have touched and the document does not name: they can be given a copy too."""
    document = opened.document
    if not document["incident"]["everybody"]:
        return []
    customers = await house_of(request).postmortem_releases.concerned(
        actor_of(request), opened.postmortem.incident_id
    )
    return [(str(each.id), each.name) for each in customers if each.key not in document["customers"]]


async def edit(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    await house.gate.require(actor, Action.POSTMORTEM_WRITE, Resource.of_house(NOUN, postmortem_id(request)))
    opened = await house.postmortem_reader.find(actor, postmortem_id(request))
    return page(
        request,
        "postmortems/edit.html",
        status_code=form.status,
        form=form,
        parts=PARTS,
        required_parts=REQUIRED_PARTS,
        revision=0 if opened.draft is None else opened.draft.revision,
        written=None if opened.draft is None else opened.draft.written,
        **about(request, actor, opened),
        **frame(request),
    )


async def version(request: Request) -> Response:
    """A version as it was signed, also one that was superseded."""
    actor, house = actor_of(request), house_of(request)
    number: int = request.path_params["version"]
    found = await house.postmortem_reader.version(actor, postmortem_id(request), number)
    may_trace = house.gate.allows(actor, Action.RECEIPT_READ, Resource.of_house("receipt"))
    return page(
        request,
        "postmortems/version.html",
        found=found,
        document=found.document,
        leads=_leads(request, actor, found.document, found.postmortem.incident_id),
        states=STATES,
        promised=await promised_of(request, found.postmortem.incident_id, found.postmortem.id),
        receipts=f"{_VENDOR_ROOT}/receipts/" if may_trace else None,
        may_renew=house.gate.allows(
            actor, Action.POSTMORTEM_WRITE, Resource.of_house(NOUN, found.postmortem.id)
        ),
        **bundle_of(request, actor, found.export),
        **frame(request),
    )


def about(request: Request, actor: Actor, opened: Opened) -> dict[str, Any]:
    """What every page of a postmortem shows of it, and what may be done there."""
    house, postmortem = house_of(request), opened.postmortem
    gate, resource = house.gate, Resource.of_house(NOUN, postmortem.id)
    may_trace = gate.allows(actor, Action.RECEIPT_READ, Resource.of_house("receipt"))
    receipts = f"{_VENDOR_ROOT}/receipts/" if may_trace else None
    may_write = gate.allows(actor, Action.POSTMORTEM_WRITE, resource)
    me, in_review = person_behind(actor), postmortem.state is PostmortemState.IN_REVIEW
    wrote = me in {each.id for each in opened.authors}
    accepted = postmortem.accepted is not None
    export = None if postmortem.signed is None else opened.bundles.signed.get(postmortem.signed.number)
    return {
        "opened": opened,
        "postmortem": postmortem,
        "incident": opened.incident,
        "document": opened.document,
        "leads": _leads(request, actor, opened.document, postmortem.incident_id),
        "since_leads": _leads(request, actor, opened.live, postmortem.incident_id) if opened.since else {},
        "fact_words": FACTS,
        "lacking": [
            PARTS[name] for name in (opened.draft.written.lacking if opened.draft else REQUIRED_PARTS)
        ],
        "elsewhere": tuple(PARTS),
        "because": BECAUSE.get(postmortem.opened_because, postmortem.opened_because),
        "lead": standing(opened),
        "signs": who_signs(opened),
        "state": STATES[postmortem.state],
        "states": STATES,
        "steps": STEPS,
        "stamps": stamps_of(postmortem, receipts),
        "receipts": receipts,
        "may_write": may_write and postmortem.state is not PostmortemState.SIGNED,
        "may_submit": may_write and postmortem.state is PostmortemState.DRAFT,
        "may_return": may_write and in_review,
        "may_accept": in_review
        and not accepted
        and not wrote
        and gate.allows(actor, Action.POSTMORTEM_REVIEW, resource),
        "wrote": wrote,
        "may_sign": may_sign(request, actor, opened),
        "may_reopen": may_write and postmortem.state is PostmortemState.SIGNED,
        "may_release": postmortem.signed is not None
        and gate.allows(actor, Action.POSTMORTEM_RELEASE, resource),
        "me": {"id": str(me), "name": actor.name},
        **bundle_of(request, actor, export),
    }


def _leads(
    request: Request, actor: Actor, document: Mapping[str, Any], incident_id: UUID
) -> Mapping[str, str]:
    gate = house_of(request).gate
    return leads_of(document, incident_id, lambda act, id_: gate.allows(actor, act, Resource(NOUN, id_)))


def may_sign(request: Request, actor: Actor, opened: Opened) -> bool:
    """Whether the form is worth showing: the service decides again."""
    owner = opened.asked.owner is None or opened.asked.owner.id == person_behind(actor)
    resource = Resource.of_house(NOUN, opened.postmortem.id)
    may = house_of(request).gate.allows(actor, Action.POSTMORTEM_SIGN, resource)
    return opened.postmortem.accepted is not None and owner and may


def bundle_of(request: Request, actor: Actor, export: Export | None) -> dict[str, Any]:
    gate = house_of(request).gate
    return {
        "export": export,
        "vendor_root": _VENDOR_ROOT,
        "may_download": gate.allows(actor, Action.EXPORT_DOWNLOAD, Resource("export", VENDOR_ID)),
        "may_request": gate.allows(actor, Action.EXPORT_REQUEST, Resource("export", VENDOR_ID)),
    }


def postmortem_id(request: Request) -> UUID:
    found: UUID = request.path_params["postmortem"]
    return found


_ONE = "/postmortems/{postmortem:uuid}"
routes = [
    Route(_ONE, postmortem, methods=["GET"]),
    Route(f"{_ONE}/edit", edit, methods=["GET"]),
    Route(f"{_ONE}/versions/{{version:int}}", version, methods=["GET"]),
]
