"""What approvers are shown before a P1 or P2 gets less: by a lower severity, by a merger that is undone, or by customers
whom it shall touch no longer. Pure.

Each rests on all that was told of the matter so far: what is told of it later is another intent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.names import readable_line
from trust_portal.learning.incidents.effects import heard, kind_of, severity_heard
from trust_portal.learning.incidents.lowered import Lowered
from trust_portal.learning.incidents.model import EntryKind, Incident, IncidentFact, Severity
from trust_portal.learning.incidents.naming import history_of


def downgrade_intent(
    vendor: Tenant,
    incident: Incident,
    before: Severity,
    severity: Severity,
    told: Iterable[IncidentFact],
    merged: Sequence[Incident] = (),
) -> Intent:
    """``told``: every fact of the incident's key; ``merged``: what was merged into it, and weighs on it."""
    history = history_of(told, (incident.source, incident.key))
    stated = severity_heard(history, incident.source)
    lines = [
        ("Service", incident.service),
        ("Declared", f"{incident.declared_severity.value}, {rfc3339(incident.declared_at)}"),
        ("In force", before.value),
        ("To become", severity.value),
        ("Whom it touches", "may be everybody" if incident.everybody else f"{len(incident.tenants)} named"),
    ]
    evidence = [
        (
            "What was told of its severity",
            _cited(fact for fact in stated if fact.body.get("severity") is not None),
        )
    ]
    if merged:
        named = ", ".join(f"{each.key} ({each.severity.value})" for each in merged)
        lines.append(("Merged into it", named))
        evidence.append(("What was merged into it", [_weight(each) for each in merged]))
    return _intent(
        vendor,
        incident,
        title=f"Incident {incident.key}: {before.value} becomes {severity.value}",
        lines=lines,
        effect=f"The incident counts as a {severity.value} from then on. Its postmortem stays owed: "
        "it was a major incident.",
        risk="Customers were hurt worse than the severity says, and it is treated as less urgent",
        evidence=evidence,
    )


def unmerging_intent(
    vendor: Tenant,
    incident: Incident,
    into: Incident,
    lowered: Sequence[Lowered],
    told: Iterable[IncidentFact],
) -> Intent:
    """``told``: every fact of the incident's key; ``lowered``: what gets less by it."""
    return _intent(
        vendor,
        incident,
        title=f"Incident {incident.key} goes on by itself: its merger is undone",
        lines=[
            ("Severity of its own", incident.severity.value),
            ("Merged into", f"{into.key}, told by {into.source}: {into.title}"),
            *((f"Without it {each.incident.key}"[:80], each.words) for each in lowered),
        ],
        effect="The incident goes on by itself and owes its own postmortem; it weighs on what it was merged into "
        "no longer.",
        risk="What it was merged into was as bad as that, and is treated as less urgent",
        evidence=[
            ("What was told of its mergers", _words(told, incident, {EntryKind.MERGED, EntryKind.UNMERGED})),
            ("What gets less by it", [each.json() for each in lowered]),
        ],
    )


def narrowing_intent(
    vendor: Tenant,
    incident: Incident,
    tenants: Sequence[UUID],
    objectives: Sequence[str] | None,
    customers: Mapping[UUID, Tenant],
    told: Iterable[IncidentFact],
) -> Intent:
    """``customers``: all there are. ``tenants``: whom it shall touch; ``told``: every fact of the incident's key."""
    before = customers.keys() if incident.everybody else set(incident.tenants)
    left_out = [customers[each].name for each in before - set(tenants) if each in customers]
    return _intent(
        vendor,
        incident,
        title=f"Incident {incident.key} touches fewer customers than was said",
        lines=[
            ("Worst severity", incident.worst_severity.value),
            ("It touched", "may be every customer" if incident.everybody else f"{len(before)} customers"),
            ("It touches", ", ".join(sorted(customers[each].name for each in tenants)) or "no customer"),
            ("Their promises", "any" if objectives is None else ", ".join(objectives) or "none"),
            ("Left out", _named(sorted(left_out))),
        ],
        effect="To whom is left out it is no incident: their reports say so, and no postmortem is owed to them.",
        risk="Somebody whom it did touch is told of nothing",
        evidence=[
            (
                "What was told of whom it touches",
                _words(told, incident, {EntryKind.DECLARED, EntryKind.AFFECTED}),
            ),
            ("Who is left out", [str(each) for each in sorted(before - set(tenants))]),
        ],
    )


def _intent(
    vendor: Tenant,
    incident: Incident,
    *,
    title: str,
    lines: Sequence[tuple[str, str]],
    effect: str,
    risk: str,
    evidence: Sequence[tuple[str, list[Json]]],
) -> Intent:
    """``evidence``: what it is called, and what its digest is over."""
    path = f"/incidents/{incident.id}"
    about = [("Incident", f"{incident.key}, told by {incident.source}"), ("Title", incident.title)]
    return Intent(
        kind=ApprovalKind.SEVERITY_DOWNGRADE,
        tenant_key=vendor.key,
        tenant_name=vendor.name,
        title=readable_line(title, 200),
        act=tuple(
            IntentLine(readable_line(label, 80), readable_line(value, 2000))
            for label, value in (*about, *lines)
        ),
        effect=effect,
        risk=risk,
        evidence=tuple(Evidence(name, path, digest(said)) for name, said in evidence),
    )


def _weight(merged: Incident) -> dict[str, Json]:
    return {
        "incident": str(merged.id),
        "severity": merged.severity.value,
        "spoken_at": rfc3339(merged.severity_at),
    }


def _words(told: Iterable[IncidentFact], incident: Incident, kinds: Collection[str]) -> list[Json]:
    history = history_of(told, (incident.source, incident.key))
    return _cited(fact for fact in heard(history, incident.source) if kind_of(fact) in kinds)


def _cited(facts: Iterable[IncidentFact]) -> list[Json]:
    return [
        {"source": fact.source, "id": fact.origin.event_id, "sha256": fact.origin.digest.hex()}
        for fact in facts
    ]


def _named(names: Sequence[str], most: int = 20) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f", and {more} more" if more > 0 else "")
