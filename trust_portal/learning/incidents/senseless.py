"""What cannot be told of an incident as it stands, or would change nothing: refused, and nothing is kept. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from trust_portal.access.approvals.decision import NeedsApproval
from trust_portal.errors import Conflict, InvalidInput
from trust_portal.learning.incidents.acts_model import (
    ChangeOwner,
    ChangeSeverity,
    MergeIncident,
    MitigateIncident,
    ReopenIncident,
    ResolveIncident,
    SetAffected,
    TellOfIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.lowered import Lowered
from trust_portal.learning.incidents.model import ByItself, Incident, Severity


def refuse_severity(command: ChangeSeverity, incident: Incident, own: Severity | None) -> None:
    """``own`` is what it is by itself. What only weighs on it ends with its merger: that it is worse by itself than
    was known, though no worse than that, is news, and takes nobody.
    """
    told = command.severity
    if own is not None and told.outranks(own):
        return
    if told is incident.severity:
        raise Conflict(f"it is a {told.value} already", code="SAME_SEVERITY", field="severity")
    if incident.severity.is_major and incident.severity.outranks(told):
        raise NeedsApproval(
            f"less than a {incident.severity.value} takes the approval of two others; ask for it",
            field="severity",
        )


def refuse_same_affected(
    incident: Incident, tenants: Collection[UUID] | None, objectives: Collection[str] | None
) -> None:
    """``tenants`` and ``objectives`` as they are said; None: it may be all."""
    same = incident.everybody if tenants is None else sorted(set(tenants)) == sorted(incident.tenants)
    known = incident.objectives
    if same and (None if objectives is None else set(objectives)) == (None if known is None else set(known)):
        raise Conflict("it touches just those already", code="SAME_AFFECTED", field="tenants")


def refuse_circle(incident: Incident, ahead: Iterable[Incident]) -> None:
    """``ahead`` is all that goes on after what it would be merged into."""
    if any(each.id == incident.id for each in ahead):
        raise InvalidInput("it would close a circle", field="into")


def refuse_alone(lowered: Iterable[Lowered]) -> None:
    """``lowered`` is what gets less by undoing the merger."""
    if any(each.takes_two for each in lowered):
        raise NeedsApproval("a P1 or P2 gets less by it: that takes the approval of two others")


def refuse_leaving_out(*, left_out: bool) -> None:
    """``left_out``: somebody whom it touched as a P1 or P2 would be touched no longer."""
    if left_out:
        raise NeedsApproval(
            "a customer is left out of a P1 or P2 by it: that takes the approval of two others"
        )


def refuse_senseless(command: TellOfIncident, incident: Incident) -> None:
    match command:
        case ReopenIncident() if incident.is_open and incident.mitigated_at is None:
            raise Conflict("it is under way", code="NOT_OVER")
        case MitigateIncident() if incident.mitigated_at is not None:
            raise Conflict("it is mitigated already; reopen it first", code="ALREADY_OVER")
        case MitigateIncident() | ResolveIncident() if not incident.is_open:
            raise Conflict("it is resolved already; reopen it first", code="ALREADY_OVER")
        case ChangeOwner(owner_id=owner_id) if owner_id == incident.owner_person_id:
            raise Conflict("they own it already", code="SAME_OWNER", field="owner")
        case MergeIncident() if command.into_id == incident.id:
            raise Conflict("an incident is not merged into itself", code="SAME_INCIDENT", field="into")
        case MergeIncident() if incident.merged_into is not None:
            raise Conflict("it was merged already", code="ALREADY_MERGED", field="into")
        case UnmergeIncident() if incident.merge_key is None:
            raise Conflict("it was not merged into another", code="NOT_MERGED")
        case _:
            return


def require_effect(command: TellOfIncident, before: Incident, after: Incident) -> None:
    """An act that changes nothing, since what happened later says otherwise, is refused and leaves no receipt."""
    match command:
        # One that goes on in another has no end of its own, and begins anew all the same.
        case ReopenIncident() if (after.reopened, after.mitigated_at, after.resolved_at) == (
            before.reopened,
            before.mitigated_at,
            before.resolved_at,
        ):
            raise InvalidInput("it was not over by then", field="at")
        case ChangeOwner(owner_id=owner_id) if after.owner_person_id != owner_id:
            raise InvalidInput("somebody else was said to own it after that", field="at")
        case UnmergeIncident() if after.merge_key is not None:
            raise InvalidInput("it was merged after that", field="at")
        case MergeIncident() if after.merged_into is None:
            raise InvalidInput("it was said to go on by itself after that", field="at")
        case SetAffected() if (after.everybody, after.tenants, after.objectives) == (
            before.everybody,
            before.tenants,
            before.objectives,
        ):
            raise InvalidInput("whom it touches was said anew after that", field="at")
        case _:
            return


def require_word_of_its_own(command: TellOfIncident, at: datetime, before: ByItself, after: ByItself) -> None:
    """As ``require_effect``, of what the register does not show of an incident while others weigh on it, or it goes on
    in another: its own severity and its own end.
    """
    match command:
        case ChangeSeverity() if after.severity is before.severity:
            raise InvalidInput("its severity was said anew after that", field="at")
        case MitigateIncident() if after.mitigated_at != at:
            raise InvalidInput("it was reopened after that", field="at")
        case ResolveIncident() if after.resolved_at != at:
            raise InvalidInput("it was reopened after that", field="at")
        case _:
            return
