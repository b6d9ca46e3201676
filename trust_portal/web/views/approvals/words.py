"""A request in words, as lists and the page of the decision say it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trust_portal.access.approvals.inbox import ApprovalView, Need
from trust_portal.access.approvals.model import (
    FORBIDDEN_NOW,
    ApprovalKind,
    ApprovalRequest,
    ApprovalState,
    Step,
    StepAct,
)
from trust_portal.access.approvals.patterns import NamedHint
from trust_portal.access.approvals.velocity import HASTY
from trust_portal.documents.formats import duration, instant
from trust_portal.kernel.actor import Actor, ActorKind, Role

#: By state: the shape that tells it, and the word.
STATES: Final = {
    ApprovalState.PENDING: ("busy", "Waiting"),
    ApprovalState.APPROVED: ("good", "Approved"),
    ApprovalState.USED: ("good", "Approved and done"),
    ApprovalState.DENIED: ("bad", "Denied"),
    ApprovalState.EXPIRED: ("mute", "Expired"),
    ApprovalState.WITHDRAWN: ("mute", "Withdrawn"),
    ApprovalState.VOID: ("mute", "No longer asked"),
}
_COUNTED: Final = ("No", "One", "Two", "Three", "Four")
_STEP_WORDS: Final = {
    StepAct.APPROVE: "Approved",
    StepAct.DENY: "Denied",
    StepAct.EXPIRE: "Expired",
    StepAct.USE: "Done",
    StepAct.VOID: "No longer asked",
    StepAct.WITHDRAW: "Withdrawn",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One of the places to fill: by ``filled``; or still open, and ``may`` says for whom."""

    role: str
    filled: Step | None
    may: str


@dataclass(frozen=True, slots=True)
class Voice:
    """What somebody gave as a reason, and as what they gave it."""

    act: str
    words: str
    by: str
    part: str
    at: datetime


def role_word(role: Role) -> str:
    """``approver_security`` → ``Security``."""
    return role.value.removeprefix("approver_").replace("_", " ").capitalize()


def standing(view: ApprovalView) -> str:
    """Where a request stands, in one or two sentences: what is still needed, or what became of it."""
    request, end = view.approval.request, view.approval.end
    match view.state:
        case ApprovalState.PENDING:
            return still_needed(view.needs)
        case ApprovalState.APPROVED:
            return "Everybody it takes has approved. It can be done once."
        case ApprovalState.USED:
            return "Everybody it takes approved, and it was done."
        case ApprovalState.DENIED if end is not None:
            return f"{end.person_name} denied it, and one denial ends a request. Nothing was done."
        case ApprovalState.WITHDRAWN:
            return f"{request.requester_name} took it back. Nothing was done."
        case ApprovalState.VOID if end is not None and end.reason.startswith(FORBIDDEN_NOW):
            return f"{FORBIDDEN_NOW}. Nothing was done."
        case ApprovalState.VOID:
            return "What it was about no longer stands. Nothing was done."
        case _:
            late = "Not everybody it takes decided in time."
            unused = "Everybody it takes approved, but it was not done in time."
            why = late if view.approval.open_slots else unused
            return f"{why} Nothing was done; it can be asked for again."


def still_needed(needs: Sequence[Need]) -> str:
    """``One more: Security, not Alice.`` Who holds a role and may not fill the place is named."""
    if len(needs) == 1:
        (need,) = needs
        barred = f", not {_names(need, 'or')}" if need.barred else ""
        return f"One more: {role_word(need.role)}{barred}."
    places = [
        role_word(need.role) + (f" (not {_names(need, 'or')})" if need.barred else "") for need in needs
    ]
    return f"{_COUNTED[len(needs)]} more, different people: {listed(places)}."


def listed(texts: Iterable[str], word: str = "and") -> str:
    """``A, B and C``."""
    *rest, last = texts
    return f"{', '.join(rest)} {word} {last}" if rest else last


def places_of(view: ApprovalView, reader: Actor) -> list[Place]:
    """Every place in the order of the rule."""
    filled = {each.slot: each for each in view.approval.approvals}
    needs = {each.slot: each for each in view.needs}
    return [
        Place(role_word(role), filled.get(slot), _may(needs.get(slot), reader))
        for slot, role in enumerate(view.approval.request.roles, start=1)
    ]


def _may(need: Need | None, reader: Actor) -> str:
    """``You or Sid may, not Sam``; customers learn no names before somebody has decided."""
    if need is None:
        return "Did not come to it"
    if not reader.is_staff:
        return "Not yet"
    people = ["you" if each.person_id == reader.id else each.name for each in need.people]
    text = f"{listed(people, 'or')} may" if people else "Nobody who holds this role may"
    barred = f", not {_names(need, 'or')}" if need.barred else ""
    return text[:1].upper() + text[1:] + barred


def voices_of(view: ApprovalView) -> list[Voice]:
    """Every reason that was given, first that of the one who asked."""
    request = view.approval.request
    review = request.kind is ApprovalKind.BREAK_GLASS_REVIEW
    through = {ActorKind.TOKEN: "who asked, through a token", ActorKind.SYSTEM: "which asked by itself"}
    asked = Voice(
        "ask",
        request.reason,
        request.requester_name,
        "who broke the glass" if review else through.get(request.requester_kind, "who asked"),
        request.requested_at,
    )
    return [asked, *(_voice(step) for step in view.approval.steps if step.reason)]


def _voice(step: Step) -> Voice:
    parts = {
        StepAct.DENY: "who denied it",
        StepAct.WITHDRAW: "who took it back",
        StepAct.VOID: "as it no longer stood",
    }
    if step.act is StepAct.APPROVE and step.role is not None:
        part = f"who approved as {role_word(step.role)}"
    else:
        part = parts.get(step.act, step.act.value)
    return Voice(step.act.value, step.reason, step.person_name, part, step.at)


def stamps_of(view: ApprovalView, receipt_path: str | None) -> list[dict[str, str | None]]:
    """The chain of a decision for ``marks.stamps``: who asked, who agreed, who is missing, the end.

    ``receipt_path`` is what a receipt's id is put behind; None where the reader sees no receipts.
    """

    def opened(receipt_id: object) -> str | None:
        return None if receipt_path is None else f"{receipt_path}{receipt_id}"

    request = view.approval.request
    stamps: list[dict[str, str | None]] = [
        {
            "word": "Asked",
            "at": instant(request.requested_at.replace(microsecond=0)),
            "by": _asked_by(request),
            "href": opened(request.receipt_id),
        }
    ]
    stamps += [
        {
            "word": _STEP_WORDS[step.act],
            "at": instant(step.at.replace(microsecond=0)),
            "by": _by(step),
            "href": opened(step.receipt_id),
            "state": "refused" if step.act is StepAct.DENY else "done",
        }
        for step in view.approval.steps
    ]
    if view.state is ApprovalState.EXPIRED and view.approval.end is None:
        stamps.append({"word": "Expired", "state": "next"})
    if view.state.live:
        stamps += [{"word": "Approved", "by": f"as {role_word(n.role)}", "state": "next"} for n in view.needs]
        stamps.append({"word": "Done", "state": "next"})
    return stamps


def _by(step: Step) -> str | None:
    if step.act is StepAct.EXPIRE:
        return None
    return f"by {step.person_name}" + ("" if step.role is None else f", {role_word(step.role)}")


def _names(need: Need, word: str) -> str:
    return listed([each.name for each in need.barred], word)


def _asked_by(request: ApprovalRequest) -> str:
    """A review is owed by whom it is about; nobody asks for it."""
    if request.kind is ApprovalKind.BREAK_GLASS_REVIEW:
        return f"of {request.requester_name}"
    return f"by {request.requester_name}"


def told_hint(named: NamedHint) -> str:
    """``Sam approved 4 for the one who asks in 90 days, 2 of them in the last 30; …``."""
    hint = named.hint
    told = [
        f"{named.name}, who approved this too," if named.decided else named.name,
        f"approved {hint.long} for the one who asks in 90 days, {hint.recent} of them in the last 30",
    ]
    text = " ".join(told)
    if hint.hasty:
        text += f"; {hint.hasty} of them within a minute of the asking"
    if hint.median_seconds is not None and hint.median_seconds >= HASTY.total_seconds():
        text += f"; half of them within {duration(timedelta(seconds=hint.median_seconds))} of the asking"
    if hint.returned:
        text += f"; the other way round {hint.returned}"
    return f"{text}."
