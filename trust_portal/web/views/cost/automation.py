"""The playbooks of the house with their limits and what they did, and the kill switch."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trust_portal.access.action import Action
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.remediation.model import RunFilter
from trust_portal.cost.remediation.switches_model import Reach, SetKillSwitch
from trust_portal.errors import InvalidInput, Refused
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.money import Money
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import FormState, one_of, page_request, read_form, required, texts
from trust_portal.web.navigation import frame
from trust_portal.web.templating import page


async def playbooks(request: Request) -> Response:
    actor, house = actor_of(request), house_of(request)
    standing = await house.playbook_runs.standing(actor)
    return page(
        request,
        "cost/playbooks.html",
        standing=standing,
        money={
            each.id: [
                (Money(counted.done, currency), Money(counted.limit, currency))
                for currency, counted in each.money.items()
            ]
            for each in standing.playbooks
        },
        listed=await house.playbook_runs.page(actor, RunFilter(), page_request(request)),
        switches=await house.kill_switches.in_force(actor),
        **frame(request),
    )


async def kill_switch(request: Request, form: FormState = FormState()) -> Response:
    actor, house = actor_of(request), house_of(request)
    words = request.query_params.get("customer", "")
    history = await house.kill_switches.history(actor)
    found = await house.tenants.page(
        actor, page_request(request, size=20), purpose="kill switch", words=words
    )
    standing = await house.playbook_runs.standing(actor)
    concerned = {each.tenant_id for each in history if each.reach is Reach.TENANT}
    known = await house.tenants.named(actor, concerned, purpose="kill switch")
    return page(
        request,
        "cost/kill_switch.html",
        status_code=form.status,
        in_force=await house.kill_switches.in_force(actor),
        history=history,
        names={each.id: each.name for each in known.values()},
        keys={each.id: each.key for each in known.values()},
        found=found,
        words=words,
        query=urlencode({"customer": words}),
        chosen=request.query_params.get("place") or _first(words, found.items),
        places=[
            *([("", "Choose what to stop")] if words and not found.items else []),
            ("everywhere", "Everything, everywhere"),
            *((f"playbook:{each.id}", f"{each.playbook.title}, everywhere") for each in standing.playbooks),
            *((f"playbook:{id_}", f"{id_}, taken out, with runs under way") for id_ in standing.taken_out),
            *((f"tenant:{each.key}", f"Everything of {each.name} ({each.key})") for each in found.items),
        ],
        form=form,
        may_set=house.gate.allows(actor, Action.HOUSE_KILL_SWITCH_SET, Resource.of_house("kill switch")),
        **frame(request),
    )


def _first(words: str, found: Sequence[Tenant]) -> str:
    """What is chosen at first: never everything where somebody looked for one customer."""
    if words:
        return f"tenant:{found[0].key}" if found else ""
    return "everywhere"


async def set_kill_switch(request: Request) -> Response:
    form = await read_form(request)
    try:
        tenant_id, playbook = await _place(request, required(form, "place", label="what to stop"))
        command = SetKillSwitch(
            tenant_id, form.get("act") != "resume", required(form, "reason", label="the reason"), playbook
        )
        await house_of(request).kill_switches.set(command, actor_of(request))
    except Refused as refusal:
        if refusal.status in {401, 403}:
            raise
        return await kill_switch(request, FormState(texts(form), refusal))
    return RedirectResponse("/kill-switch", status_code=303)


async def _place(request: Request, text: str) -> tuple[UUID, str]:
    kind, _, name = text.partition(":")
    reach = one_of(Reach, kind, "place")
    if reach is Reach.TENANT:
        tenant = await house_of(request).tenants.by_key(actor_of(request), name, purpose="kill switch")
        return tenant.id, ""
    if reach is Reach.PLAYBOOK:
        return VENDOR_ID, name
    if reach is Reach.EVERYWHERE:
        return VENDOR_ID, ""
    raise InvalidInput("choose what to stop", field="place")


routes = [
    Route("/playbooks", playbooks, methods=["GET"]),
    Route("/kill-switch", kill_switch, methods=["GET"]),
    Route("/kill-switch", set_kill_switch, methods=["POST"]),
]
