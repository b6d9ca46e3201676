"""Who looked at a tenant's things, who was refused, and by which rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.access_log.model import AccessFilter, Looker, Verb
from trust_portal.access.action import Action
from trust_portal.access.approvals.rules import Rule, parse_rules
from trust_portal.access.policy import APPROVALS, PolicyText, Resource
from trust_portal.access.policy_change.changes import FileChange, changes
from trust_portal.access.policy_change.service import AskPolicyChange
from trust_portal.access.policy_register import texts as texts_of
from trust_portal.access.tenants.model import Tenant
from trust_portal.errors import BadPolicies, Conflict, InvalidInput
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import NOUN as POSTMORTEM
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, page_request, read_form
from trust_portal.web.forms import texts as texts_of_form
from trust_portal.web.navigation import frame, own_frame, tenant_of
from trust_portal.web.templating import page
from trust_portal.web.views.approvals.words import role_word
from trust_portal.web.views.looked import page_of, said_of

#: Where a rule begins: its name above a Cedar policy, or its id below a kind.
_RULE = re.compile(r'^@id\("([^"]+)"\)$|^  id: ([a-z0-9-]+)$', re.MULTILINE)


async def access_log(request: Request) -> Response:
    tenant, asked = await tenant_of(request), request.query_params
    wanted = AccessFilter(
        one_of(Looker, asked.get("by"), "by"),
        one_of(Verb, asked.get("did"), "did"),
    )
    actor, house = actor_of(request), house_of(request)
    entries = await house.access_log.page(actor, tenant.id, page_request(request), wanted)
    staff = house.gate.allows(actor, Action.ALL_POSTMORTEMS_READ, Resource.of_house(POSTMORTEM))
    return page(
        request,
        "access_log.html",
        entries=entries,
        wanted=wanted,
        page_of=partial(page_of, staff=staff),
        said_of=said_of,
        **_sides(request, tenant),
    )


async def denials(request: Request) -> Response:
    tenant = await tenant_of(request)
    listed = await house_of(request).denials.page(actor_of(request), tenant.id, page_request(request))
    return page(request, "denials.html", denials=listed, **_sides(request, tenant))


async def policies(request: Request) -> Response:
    return await _policies(request, FormState())


async def ask_for_policies(request: Request) -> Response:
    """Ask that the policies of this version of the portal decide; the way leads to the request."""
    form = texts_of_form(await read_form(request))
    try:
        command = AskPolicyChange(form.get("reason", ""))
        made = await house_of(request).policy_changes.ask(command, actor_of(request))
    except (InvalidInput, Conflict) as refusal:
        return await _policies(request, FormState(form, refusal))
    return RedirectResponse(f"/t/vendor/approvals/{made.id}", status_code=303)


async def _policies(request: Request, form: FormState) -> Response:
    house, actor = house_of(request), actor_of(request)
    version = request.query_params.get("version") or None
    texts = await house.policies.read(actor, version)
    against, shipped = request.query_params.get("against") or None, house.policies.shipped
    difference: str | None = None
    new: Sequence[FileChange] = ()
    if version is not None and against is not None:
        difference = await house.policy_changes.difference(actor, version, against)
    if house.policies.waiting:
        new = changes(texts_of(house.gate.policies), texts_of(shipped))
    return page(
        request,
        "policies.html",
        status_code=form.status,
        form=form,
        shipped=shipped.version,
        new=new,
        against=against,
        difference=None if difference is None else _signed_lines(difference),
        may_ask=house.gate.allows(actor, Action.POLICY_CHANGE_REQUEST, Resource.of_house("policies")),
        texts=[(each.name, _marked(each.text)) for each in texts],
        version=version or house.gate.policies.version,
        in_force=house.gate.policies.version,
        rules=_rules(texts),
        role_word=role_word,
        **await own_frame(request),
    )


def _signed_lines(difference: str) -> list[tuple[str, str]]:
    """Each line of a diff with what it is: more, less, a place, or neither."""
    kinds = {"+": "more", "-": "less", "@": "place"}
    return [(kinds.get(line[:1], "same"), line) for line in difference.splitlines(keepends=True)]


def _marked(text: str) -> list[tuple[str | None, str]]:
    """A text in pieces, each with the id of the rule that begins there, so that a link can lead to it."""
    starts = list(_RULE.finditer(text))
    bounds = [match.start() for match in starts] + [len(text)]
    pieces: list[tuple[str | None, str]] = [(None, text[: bounds[0]])] if bounds[0] else []
    for match, end in zip(starts, bounds[1:], strict=True):
        pieces.append((match[1] or match[2], text[match.start() : end]))
    return pieces


def _rules(texts: Sequence[PolicyText]) -> list[Rule]:
    """Who must agree to what by these texts, by kind.

    Sets from before there were rules have none, and of rules in an older form the text speaks alone.
    """
    found = next((each.text for each in texts if each.name == APPROVALS), "{}")
    try:
        return sorted(parse_rules(found).values(), key=lambda rule: rule.kind)
    except BadPolicies:
        return []


def _sides(request: Request, tenant: Tenant) -> dict[str, Any]:
    """The frame, and whether this reader may also see the other side of the coin."""
    gate, actor = house_of(request).gate, actor_of(request)
    return {
        "may_see_looks": tenant.id != VENDOR_ID
        and gate.allows(actor, Action.ACCESS_LOG_READ, Resource("access log", tenant.id)),
        "may_see_denials": gate.allows(actor, Action.DENIAL_READ, Resource("denial", tenant.id)),
        "may_see_rules": gate.allows(actor, Action.POLICIES_READ, Resource.of_house("policies")),
        **frame(request, tenant),
    }


routes = [
    Route("/t/{tenant}/access", access_log, methods=["GET"]),
    Route("/t/{tenant}/denials", denials, methods=["GET"]),
    Route("/policies", policies, methods=["GET"]),
    Route("/policies", ask_for_policies, methods=["POST"]),
]
