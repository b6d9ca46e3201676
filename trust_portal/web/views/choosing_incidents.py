"""Naming another incident in a form: one of the last declared, or an older one by its key."""

from __future__ import annotations

from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request

from trust_portal.errors import InvalidInput
from trust_portal.learning.incidents.model import Incident, IncidentFilter
from trust_portal.web.context import actor_of, house_of
from trust_portal.web.forms import page_request


async def others_than(request: Request, incident: Incident | None = None) -> list[tuple[str, str]]:
    """What it may be merged into: the last declared others. Older ones are named by their key."""
    listed = await house_of(request).incidents.page(
        actor_of(request), IncidentFilter(), page_request(request, size=50)
    )
    others = [each for each in listed.items if each != incident and each.merged_into is None]
    return [("", "Choose one"), *((str(each.id), f"{each.key}: {each.title}") for each in others)]


async def chosen_incident(request: Request, form: FormData, field: str) -> UUID | None:
    """By the key that was typed, else from the list; None where neither was."""
    if typed := str(form.get(f"{field}_key", "")).strip():
        return (await house_of(request).incidents.named(actor_of(request), typed, field)).id
    text = str(form.get(field, ""))
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput("choose one of the list", field=field) from None
