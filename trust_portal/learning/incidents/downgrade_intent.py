"""What approvers of a lower severity are shown: the incident, from what to what, and what was told so far. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.names import readable_line
from trust_portal.learning.incidents.effects import severity_heard
from trust_portal.learning.incidents.model import Incident, IncidentFact, Severity
from trust_portal.learning.incidents.naming import history_of


def downgrade_intent(
    vendor: Tenant,
    incident: Incident,
    before: Severity,
    severity: Severity,
    told: Iterable[IncidentFact],
    merged: Sequence[Incident] = (),
) -> Intent:
    """``told``: every fact of the incident's key; ``merged``: what was merged into it.

    What is told of its severity later is another intent, and so is what weighs on it otherwise by then.
    """
    history = history_of(told, (incident.source, incident.key))
    stated = [
        {"source": fact.source, "id": fact.origin.event_id, "sha256": fact.origin.digest.hex()}
        for fact in severity_heard(history, incident.source)
        if fact.body.get("severity") is not None
    ]
    weighing = [
        {"incident": str(each.id), "severity": each.severity.value, "spoken_at": rfc3339(each.severity_at)}
        for each in merged
    ]
    lines = [
        ("Incident", f"{incident.key}, told by {incident.source}"),
        ("Title", incident.title),
        ("Service", incident.service),
        ("Declared", f"{incident.declared_severity.value}, {rfc3339(incident.declared_at)}"),
        ("In force", before.value),
        ("To become", severity.value),
        ("Whom it touches", "may be everybody" if incident.everybody else f"{len(incident.tenants)} named"),
    ]
    evidence = [
        Evidence(
            "What was told of its severity",
            f"/incidents/{incident.id}",
            digest([dict(each) for each in stated]),
        )
    ]
    if merged:
        named = ", ".join(f"{each.key} ({each.severity.value})" for each in merged)
        lines.append(("Merged into it", named))
        evidence.append(
            Evidence(
                "What was merged into it",
                f"/incidents/{incident.id}",
                digest([dict(each) for each in weighing]),
            )
        )
    return Intent(
        kind=ApprovalKind.SEVERITY_DOWNGRADE,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=readable_line(f"Incident {incident.key}: {before.value} becomes {severity.value}", 200),
        act=tuple(IntentLine(label, readable_line(value, 2000)) for label, value in lines),
        effect=(
            f"The incident counts as a {severity.value} from then on. Its postmortem stays owed: "
            "it was a major incident."
        ),
        risk="Customers were hurt worse than the severity says, and it is treated as less urgent",
        evidence=tuple(evidence),
    )
