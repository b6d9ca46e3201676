"""What people are told about a request, in the transaction of what happens to it.

Asked: who could fill a place. Waited long: those who still could; then their administrators too.
Decided or over: the one who asked, and whoever had a part in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from trust_portal.access.approvals.decision import deadline
from trust_portal.access.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalRequest,
    Approver,
    Step,
    StepAct,
)
from trust_portal.kernel.actor import Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession


async def tell_asked(
    session: WriteSession, request: ApprovalRequest, candidates: Iterable[Collection[Approver]]
) -> None:
    """``candidates``: by place, who could fill it."""
    await _tell(
        session,
        request,
        Topic.APPROVAL_REQUESTED,
        title=f"To approve: {request.intent.title}",
        text=f"{request.requester_name} {_verb(request)}: {request.reason}\n\n"
        f"It takes {_names(request.roles)}, by {_spoken(request.expires_at)}.",
        audience=Audience(people=_ids(candidates)),
    )


def _verb(request: ApprovalRequest) -> str:
    """What they did whose reason it is."""
    return "broke the glass" if request.kind is ApprovalKind.BREAK_GLASS_REVIEW else "asks"


async def tell_step(session: WriteSession, approval: Approval, step: Step) -> None:
    """``approval`` as it stands after ``step``. Nobody is told of what they did themselves."""
    request = approval.request
    title, theirs = (
        request.intent.title,
        {request.requester_id, *(each.person_id for each in approval.approvals)},
    )
    match step.act:
        case StepAct.APPROVE if not approval.open_slots:
            topic, verb, people = Topic.APPROVAL_DECIDED, "Approved", {request.requester_id}
            by = " and ".join(each.person_name for each in approval.approvals)
            text = f"{by} approved it. It may be done once, until {_spoken(deadline(approval))}."
        case StepAct.DENY:
            topic, verb, people = Topic.APPROVAL_DECIDED, "Denied", theirs
            text = (
                f"{step.person_name} denied it: {step.reason}\n\nOne denial ends a request. Nothing was done."
            )
        case StepAct.EXPIRE:
            topic, verb, people = Topic.APPROVAL_EXPIRED, "Expired", theirs
            waited = "Not everybody it takes decided in time."
            text = f"{waited if approval.open_slots else 'It was approved and not done in time.'} Nothing was done; it can be asked for again."
        case StepAct.VOID:
            topic, verb, people = Topic.APPROVAL_DECIDED, "No longer asked", theirs
            text = f"What it was about no longer stands: {step.reason}"
        case _:
            return
    await _tell(
        session,
        request,
        topic,
        title=f"{verb}: {title}",
        text=text,
        audience=Audience(people=frozenset(people), without=frozenset({step.person_id})),
        occasion=step.act.value,
    )


async def tell_waiting(
    session: WriteSession, approval: Approval, candidates: Iterable[Collection[Approver]]
) -> None:
    """Half of the time is over. ``candidates``: by open place, who may still fill it."""
    request = approval.request
    await _tell(
        session,
        request,
        Topic.APPROVAL_REMINDER,
        title=f"Still to approve: {request.intent.title}",
        text=f"{request.requester_name} has waited since {_spoken(request.requested_at)}. Still needed: "
        f"{_names(_open_roles(approval))}, by {_spoken(request.expires_at)}; then it expires.",
        audience=Audience(people=_ids(candidates)),
    )


async def tell_late(session: WriteSession, approval: Approval, holders: Collection[Approver]) -> None:
    """Four fifths of the time are over. ``holders``: everybody who holds one of the roles it takes."""
    request = approval.request
    await _tell(
        session,
        request,
        Topic.APPROVAL_ESCALATED,
        title=f"About to expire: {request.intent.title}",
        text=f"{request.requester_name} has waited since {_spoken(request.requested_at)}. Unless "
        f"{_names(_open_roles(approval))} decide by {_spoken(request.expires_at)}, it expires and is not done.",
        audience=Audience(
            roles=RULES[Topic.APPROVAL_ESCALATED].roles,
            people=_ids([holders]),
            without=frozenset({request.requester_id}),
        ),
    )


async def _tell(
    session: WriteSession,
    request: ApprovalRequest,
    topic: Topic,
    *,
    title: str,
    text: str,
    audience: Audience,
    occasion: str = "",
) -> None:
    thread = f"approval/{request.id}"
    await announce(
        session,
        Announcement(
            topic=topic,
            key=f"{thread}/{topic.value}" + (f"/{occasion}" if occasion else ""),
            thread=thread,
            title=title,
            text=text,
            path=f"/t/{request.intent.tenant_key}/approvals/{request.id}",
            facts={
                "approval": str(request.id),
                "kind": request.kind.value,
                "asked_by": request.requester_name,
                "expires_at": rfc3339(request.expires_at),
            },
            audience=audience,
        ),
    )


def _open_roles(approval: Approval) -> list[Role]:
    return [approval.request.roles[slot - 1] for slot in approval.open_slots]


def _ids(groups: Iterable[Collection[Approver]]) -> frozenset[UUID]:
    return frozenset(each.person_id for people in groups for each in people)


def _names(roles: Iterable[Role]) -> str:
    return " and ".join(role.value.replace("_", " ") for role in roles)


def _spoken(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
