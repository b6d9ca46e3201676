"""What approvers of an undone merger are shown: what goes on by itself, what it was merged into, what gets less. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    history = history_of(told, (incident.source, incident.key))
    mergers: list[Json] = [
        {"source": fact.source, "id": fact.origin.event_id, "sha256": fact.origin.digest.hex()}
        for fact in heard(history, incident.source)
        if kind_of(fact) in {"merged", "unmerged"}
    ]
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
