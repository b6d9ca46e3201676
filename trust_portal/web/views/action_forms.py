"""What the forms of prevention actions send."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.datastructures import FormData

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import require_words
from trust_portal.learning.actions.acts_model import PlanAction, tracked_at
from trust_portal.learning.actions.model import ActionType
from trust_portal.web.forms import one_of, required, together

#: Whose id nobody has.
NOBODY: Final = UUID(int=0)


def plan_of(form: FormData) -> PlanAction:
    """``InvalidInput`` names every field that is wrong."""
    postmortem_id = _that(required(form, "postmortem"), "postmortem")
    title, type_, owner_id, term, link = together(
        lambda: require_words(str(form.get("title", "")), "title"),
        lambda: _type(form.get("type")),
        lambda: _that(required(form, "owner", label="the owner"), "owner"),
        lambda: _number(form.get("term"), "term"),
        lambda: tracked_at(str(form.get("link", ""))),
    )
    return PlanAction(
        postmortem_id=postmortem_id,
        title=title,
        type=type_,
        owner_id=owner_id,
        term=term,
        link=link,
        replaces=id_of(form.get("replaces"), "replaces"),
        reason=str(form["reason"]) if "reason" in form else None,
    )


def _type(text: object) -> ActionType:
    type_ = one_of(ActionType, text, "type")
    if type_ is None:
        raise InvalidInput("say what it works on", field="type")
    return type_


def id_of(text: object, field: str) -> UUID | None:
    """The thing that was chosen; nothing for nothing."""
    return _that(text, field) if text else None


def owner_of(text: str) -> UUID | None:
    """Whoever is chosen; ``NOBODY`` for who is no person here, as owners of incidents may be, and owns no action."""
    try:
        return id_of(text, "owner")
    except InvalidInput:
        return NOBODY


def _that(text: object, field: str) -> UUID:
    try:
        return UUID(str(text).strip())
    except ValueError:
        raise InvalidInput("this is no id", field=field) from None


def _number(text: object, field: str) -> int:
    digits = str(text or "").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 4:
        raise InvalidInput("write a whole number", field=field)
    return int(digits)
