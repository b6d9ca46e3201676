"""Auditors: invited, coming in by their invitation, and what they need to check everything themselves."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.audits.model import NOUN, InviteAuditor, RevokeInvitation
from trust_portal.access.audits.service import INVITATION_PATH
from trust_portal.access.people.model import LONGEST_AUDIT
from trust_portal.access.policy import Resource
from trust_portal.documents.formats import instant
from trust_portal.errors import Conflict, InvalidInput, NotSignedIn
from trust_portal.web.context import actor_of, client_of, house_of
from trust_portal.web.files import attachment
from trust_portal.web.forms import FormState, moment_of, page_request, read_form, required, texts, together
from trust_portal.web.navigation import frame, tenant_of, tenant_path
from trust_portal.web.once import show_once, shown_once, taken
from trust_portal.web.templating import page
from trust_portal.web.views.exports import exports_shown
from trust_portal.web.views.sign_in import enter

#: Bundles on the page of who checks them; all of them are beside it.
_NEWEST = 10


async def auditors(request: Request, form: FormState = FormState()) -> Response:
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request)
    listed = await house.audit_invitations.page(actor, tenant.id, page_request(request))
    now, resource = house.clock.now(), Resource(NOUN, tenant.id)
    shown = page(
        request,
        "auditors.html",
        status_code=form.status,
        invitations=listed,
        held=await house.audits_in_force.now(actor, tenant.id),
        form=form,
        issued=shown_once(request, "name", "until", "url"),
        now=now,
        latest=(now + LONGEST_AUDIT).date(),
        may_invite=house.gate.allows(actor, Action.AUDIT_INVITE, resource),
        may_revoke=house.gate.allows(actor, Action.AUDIT_REVOKE, resource),
        may_read_people=house.gate.allows(actor, Action.PERSON_READ, Resource("people", tenant.id)),
        **frame(request, tenant),
    )
    return taken(request, shown)


async def invite(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        name, email, reason, until = together(
            lambda: required(form, "name", label="the name"),
            lambda: required(form, "email", label="the email address"),
            lambda: required(form, "reason", label="the reason"),
            lambda: moment_of(required(form, "until", label="the last day"), "until"),
        )
        command = InviteAuditor(tenant_id=tenant.id, email=email, name=name, reason=reason, until=until)
        issued = await house_of(request).audit_invitations.invite(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await auditors(request, FormState(texts(form), refusal))
    return show_once(
        request,
        f"{tenant_path(tenant)}/auditors",
        name=issued.invitation.name,
        until=instant(issued.invitation.waits_until),
        url=issued.url,
    )


async def revoke(request: Request) -> Response:
    tenant, form = await tenant_of(request), await read_form(request)
    try:
        command = RevokeInvitation(
            tenant.id, request.path_params["invitation"], required(form, "revoking", label="the reason")
        )
        await house_of(request).audit_invitations.revoke(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await auditors(request, FormState({}, refusal))
    return RedirectResponse(f"{tenant_path(tenant)}/auditors", status_code=303)


async def check(request: Request) -> Response:
    """What it takes to believe nobody: the verifier, the policy, the bundles, and one that must not verify."""
    actor, house, tenant = actor_of(request), house_of(request), await tenant_of(request, purpose="bundles")
    listed = await house.archive.catalogue(actor, tenant.id, page_request(request, size=_NEWEST))
    return page(
        request,
        "check.html",
        invitation=await house.audit_invitations.own(actor),
        broken=await house.archive.has_broken_example(actor, tenant.id),
        **exports_shown(request, tenant, listed),
        **frame(request, tenant),
    )


async def broken_example(request: Request) -> Response:
    tenant = await tenant_of(request, purpose="download")
    broken = await house_of(request).archive.broken_example(actor_of(request), tenant.id)
    return attachment(broken.content, broken.media_type, broken.file_name, broken.digest)


async def invitation(request: Request) -> Response:
    """Shows a button: mail scanners follow links, and only a POST spends an invitation."""
    try:
        found, tenant = await house_of(request).audit_invitations.look(request.path_params["secret"])
    except NotSignedIn as refusal:
        return _refused(request, refusal)
    return page(
        request, "audit_invitation.html", action=request.url.path, invitation=found, customer=tenant.name
    )


async def accept(request: Request) -> Response:
    house = house_of(request)
    try:
        signed_in = await house.audit_invitations.accept(request.path_params["secret"], client_of(request))
    except NotSignedIn as refusal:
        return _refused(request, refusal)
    tenant = await house.tenants.get(signed_in.actor, signed_in.actor.tenant_id)
    return enter(request, signed_in, f"{tenant_path(tenant)}/check")


def _refused(request: Request, refusal: NotSignedIn) -> Response:
    return page(
        request,
        "audit_invitation.html",
        status_code=refusal.status,
        action=None,
        refusal=refusal.message,
    )


routes = [
    Route("/t/{tenant}/auditors", auditors, methods=["GET"]),
    Route("/t/{tenant}/auditors", invite, methods=["POST"]),
    Route("/t/{tenant}/auditors/{invitation:uuid}/revoke", revoke, methods=["POST"]),
    Route("/t/{tenant}/check", check, methods=["GET"]),
    Route("/t/{tenant}/check/broken.zip", broken_example, methods=["GET"]),
    Route(f"{INVITATION_PATH}{{secret}}", invitation, methods=["GET"]),
    Route(f"{INVITATION_PATH}{{secret}}", accept, methods=["POST"]),
]
