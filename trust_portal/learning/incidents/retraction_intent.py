"""What approvers are shown of what is taken back: of a merger, or of whom an incident touches. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.names import readable_line
from trust_portal.learning.incidents.effects import heard, kind_of
from trust_portal.learning.incidents.lowered import Lowered
from trust_portal.learning.incidents.model import Incident, IncidentFact
from trust_portal.learning.incidents.naming import history_of


def unmerging_intent(
    vendor: Tenant,
    incident: Incident,
    into: Incident,
    lowered: Sequence[Lowered],
    told: Iterable[IncidentFact],
) -> Intent:
    """``told``: every fact of the incident's key. What is told of its mergers later is another intent, and so is what
    gets less otherwise by then.
    """
    mergers = _words(told, incident, {"merged", "unmerged"})
    lines = [
        ("Incident", f"{incident.key}, told by {incident.source}"),
        ("Title", incident.title),
        ("Severity of its own", incident.severity.value),
        ("Merged into", f"{into.key}, told by {into.source}: {into.title}"),
        *((f"Without it {each.incident.key}"[:80], each.words) for each in lowered),
    ]
    path = f"/incidents/{incident.id}"
    return Intent(
        kind=ApprovalKind.SEVERITY_DOWNGRADE,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=readable_line(f"Incident {incident.key} goes on by itself: its merger is undone", 200),
        act=tuple(IntentLine(readable_line(label, 80), readable_line(value, 2000)) for label, value in lines),
        effect=(
            "The incident goes on by itself and owes its own postmortem; it weighs on what it was merged into "
            "no longer."
        ),
        risk="What it was merged into was as bad as that, and is treated as less urgent",
        evidence=(
            Evidence("What was told of its mergers", path, digest(mergers)),
            Evidence("What gets less by it", path, digest([each.json() for each in lowered])),
        ),
    )


def narrowing_intent(
    vendor: Tenant,
    incident: Incident,
    tenants: Sequence[UUID],
    objectives: Sequence[str] | None,
    customers: Mapping[UUID, Tenant],
    told: Iterable[IncidentFact],
) -> Intent:
    """``customers``: all there are. What is told later of whom the incident touches is another intent."""
    before = customers.keys() if incident.everybody else set(incident.tenants)
    left_out = [customers[each].name for each in before - set(tenants) if each in customers]
    lines = [
        ("Incident", f"{incident.key}, told by {incident.source}"),
        ("Title", incident.title),
        ("Worst severity", incident.worst_severity.value),
        ("It touched", "may be every customer" if incident.everybody else f"{len(before)} customers"),
        ("It touches", ", ".join(sorted(customers[each].name for each in tenants)) or "no customer"),
        ("Their promises", "any" if objectives is None else ", ".join(objectives) or "none"),
        ("Left out", _named(sorted(left_out))),
    ]
    return Intent(
        kind=ApprovalKind.SEVERITY_DOWNGRADE,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=readable_line(f"Incident {incident.key} touches fewer customers than was said", 200),
        act=tuple(IntentLine(readable_line(label, 80), readable_line(value, 2000)) for label, value in lines),
        effect="To whom is left out it is no incident: their reports say so, and no postmortem is owed to them.",
        risk="Somebody whom it did touch is told of nothing",
        evidence=(
            Evidence(
                "What was told of whom it touches",
                f"/incidents/{incident.id}",
                digest(_words(told, incident, {"declared", "affected"})),
            ),
            Evidence(
                "Who is left out",
                f"/incidents/{incident.id}",
                digest([str(each) for each in sorted(before - set(tenants))]),
            ),
        ),
    )


def _named(names: Sequence[str], most: int = 20) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f", and {more} more" if more > 0 else "")


def _words(told: Iterable[IncidentFact], incident: Incident, kinds: Collection[str]) -> list[Json]:
    history = history_of(told, (incident.source, incident.key))
    return [
        {"source": fact.source, "id": fact.origin.event_id, "sha256": fact.origin.digest.hex()}
        for fact in heard(history, incident.source)
        if kind_of(fact) in kinds
    ]
