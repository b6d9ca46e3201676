"""People of a tenant: who they are and what they may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.people.model import AddPerson, GrantRole, Person
from trust_portal.access.policy import Resource
from trust_portal.documents.formats import instant
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.kernel.actor import CUSTOMER_ROLES, Role
from trust_portal.web.context import actor_of, house_of, signed_in_of
from trust_portal.web.forms import (
    FormState,
    day_of,
    page_request,
    read_form,
    required,
    start_of,
    texts,
    together,
)
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.once import show_once, shown_once, taken
from trust_portal.web.templating import page


async def people(request: Request, form: FormState = FormState()) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request)
    listed = await house.people.page(actor, tenant.id, page_request(request))
    resource = Resource("person", tenant.id)
    shown = page(
        request,
        "people.html",
        status_code=form.status,
        people=listed,
        form=form,
        link=shown_once(request, "url", "until"),
        added=_added(request, listed.items),
        roles=[role for role in Role if (role in CUSTOMER_ROLES) != tenant.is_vendor],
        may_add=house.gate.allows(actor, Action.PERSON_ADD, resource),
        may_grant=house.gate.allows(actor, Action.ROLE_GRANT, resource),
        may_link=house.gate.allows(actor, Action.SIGN_IN_LINK_CREATE, resource),
        **frame(request, tenant),
    )
    return taken(request, shown)


async def add_person(request: Request) -> Response:
    """The person, and in the same step a role, which is judged before anybody is added."""
    tenant, form = await tenant_of(request), await read_form(request)
    actor, house = actor_of(request), house_of(request)
    try:
        name, email, role, until = together(
            lambda: required(form, "name", label="the name"),
            lambda: required(form, "email", label="the email address"),
            lambda: _role(str(form["role"])) if form.get("role") else None,
            lambda: _until(form),
        )
        command = AddPerson(tenant.id, email, name)
        if role is not None:
            await house.gate.require(actor, Action.ROLE_GRANT, Resource("person", tenant.id))
            GrantRole(tenant.id, tenant.id, role, until).check(house.clock.now())
        person = await house.people.add(command, actor)
        if role is not None:
            await house.people.grant(GrantRole(tenant.id, person.id, role, until), actor)
    except (InvalidInput, Conflict) as refusal:
        return await people(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/people?added={person.id}", status_code=303)


async def grant_role(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    person_id: UUID = request.path_params["person"]
    try:
        role = _role(required(form, "role", label="the role"))
        if form.get("revoke"):
            await house_of(request).people.revoke(actor_of(request), tenant.id, person_id, role)
        else:
            command = GrantRole(tenant.id, person_id, role, _until(form))
            await house_of(request).people.grant(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await people(request, FormState(texts(form), refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/people", status_code=303)


async def sign_in_link(request: Request) -> Response:
    tenant = await tenant_of(request)
    signed_in = signed_in_of(request)
    link = await house_of(request).sign_in_links.create(
        signed_in.actor, tenant.id, request.path_params["person"], brought_by=signed_in.brought_by
    )
    return show_once(request, f"{tenant_path(tenant)}/people", url=link.url, until=instant(link.expires_at))


async def suspend(request: Request) -> Response:
    tenant = await tenant_of(request)
    await house_of(request).people.suspend(actor_of(request), tenant.id, request.path_params["person"])
    return RedirectResponse(f"{tenant_path(tenant)}/people", status_code=303)


def _added(request: Request, listed: Sequence[Person]) -> str | None:
    """Whom the form has just added: by name, where this page lists them."""
    added = request.query_params.get("added")
    if added is None:
        return None
    return next((person.name for person in listed if str(person.id) == added), "The person")


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise InvalidInput(f"there is no role {text!r}", field="role") from error


def _until(form: FormData) -> datetime | None:
    """The role ends as that day begins; empty: no end."""
    text = form.get("until")
    return start_of(day_of(text, "until")) if text else None


routes = [
    Route("/t/{tenant}/people", people, methods=["GET"]),
    Route("/t/{tenant}/people", add_person, methods=["POST"]),
    Route("/t/{tenant}/people/{person:uuid}/roles", grant_role, methods=["POST"]),
    Route("/t/{tenant}/people/{person:uuid}/link", sign_in_link, methods=["POST"]),
    Route("/t/{tenant}/people/{person:uuid}/suspend", suspend, methods=["POST"]),
]
