"""Giving a customer its copy: what it would get, what to look at again, and what is shown later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.errors import InvalidInput, NotFound, Refused
from trust_portal.learning.postmortems.model import NOUN, Acknowledgement, Disclose, Release
from trust_portal.learning.postmortems.profiles import shipped_profiles
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, read_form, required, texts
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page
from trust_portal.web.views.postmortem.one import postmortem_id

_DEFAULT_PROFILE = "customer"


async def release_page(request: Request, form: FormState = FormState()) -> Response:
    actor, house, id_ = actor_of(request), house_of(request), postmortem_id(request)
    await house.gate.require(actor, Action.POSTMORTEM_RELEASE, Resource.of_house(NOUN, id_))
    customer = _uuid(form.value("customer") or request.query_params.get("customer", ""))
    profile = form.value("profile") or request.query_params.get("profile", _DEFAULT_PROFILE)
    preview = await house.postmortem_releases.preview(actor, id_, customer, profile)
    found = await house.postmortem_releases.of_postmortem(actor, id_)
    held = next((e for e in found if e.customer_id == customer and e.version == preview.version.number), None)
    concealed = {} if held is None else await house.postmortem_releases.concealed(actor, [held])
    return page(
        request,
        "postmortems/release.html",
        status_code=form.status,
        form=form,
        preview=preview,
        document=preview.copy["document"],
        held=held,
        concealed={} if held is None else concealed[held.id],
        profiles=[(each.id, each.title) for each in shipped_profiles().values()],
        address=f"/postmortems/{id_}",
        **frame(request),
    )


async def release(request: Request) -> Response:
    form = await read_form(request)
    try:
        command = Release(
            postmortem_id(request),
            _number(form, "version"),
            _uuid(str(form.get("customer", ""))),
            required(form, "profile", label="what is withheld"),
            str(form.get("reason", "")),
            _acknowledged(form),
        )
        await house_of(request).postmortem_releases.release(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, form, refusal, release_page)
    return _back(request)


async def disclose_page(request: Request, form: FormState = FormState()) -> Response:
    """What a customer's copy withholds, also the copy of a version that no longer counts."""
    actor, house, id_ = actor_of(request), house_of(request), postmortem_id(request)
    await house.gate.require(actor, Action.POSTMORTEM_RELEASE, Resource.of_house(NOUN, id_))
    asked = _uuid(form.value("release") or request.query_params.get("release", ""))
    found = await house.postmortem_releases.of_postmortem(actor, id_)
    chosen = next((each for each in found if each.id == asked), None)
    if chosen is None:
        raise NotFound("release")
    # What was shown since stands in the newest revision of the same copy.
    of = (chosen.customer_id, chosen.version)
    held = next(each for each in found if (each.customer_id, each.version) == of)
    opened = await house.postmortem_reader.version(actor, id_, held.version)
    return page(
        request,
        "postmortems/disclose.html",
        status_code=form.status,
        form=form,
        held=held,
        concealed=(await house.postmortem_releases.concealed(actor, [held]))[held.id],
        customer=held.customer,
        of=opened,
        address=f"/postmortems/{id_}",
        **frame(request),
    )


async def disclose(request: Request) -> Response:
    form = await read_form(request)
    try:
        fields = tuple(str(each) for each in form.getlist("fields"))
        release_id, reason = _uuid(str(form.get("release", ""))), str(form.get("reason", ""))
        command = Disclose(release_id, fields, reason, _acknowledged(form))
        await house_of(request).postmortem_releases.disclose(command, actor_of(request))
    except Refused as refusal:
        return await _refused(request, form, refusal, disclose_page)
    return _back(request)


def _acknowledged(form: FormData) -> tuple[Acknowledgement, ...]:
    return tuple(
        Acknowledgement(name.removeprefix("ack-"), value)
        for name, value in texts(form).items()
        if name.startswith("ack-") and value
    )


async def _refused(
    request: Request,
    form: FormData,
    refusal: Refused,
    again: Callable[[Request, FormState], Awaitable[Response]],
) -> Response:
    if refusal.bare:
        raise refusal
    return await again(request, FormState(texts(form), refusal))


def _back(request: Request) -> Response:
    return RedirectResponse(f"/postmortems/{postmortem_id(request)}#releases", status_code=303)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput("say for which customer", field="customer") from None


def _number(form: FormData, name: str) -> int:
    text = required(form, name)
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise InvalidInput("not a version", field=name)
    return int(text)


_ONE = "/postmortems/{postmortem:uuid}/release"
routes = [
    Route(_ONE, release_page, methods=["GET"]),
    Route(_ONE, release, methods=["POST"]),
    Route("/postmortems/{postmortem:uuid}/disclose", disclose_page, methods=["GET"]),
    Route("/postmortems/{postmortem:uuid}/disclose", disclose, methods=["POST"]),
]
