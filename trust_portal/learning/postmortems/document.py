"""The postmortem as a document: what was gathered, written and judged, as canonical JSON. Pure.

Its shape is ``learning/schemas/postmortem.schema.json``. Counters and amounts are strings (RFC 8785
numbers end at 2^53). What concerns one customer stands under that customer's key, so that a copy for one
of them can withhold the others whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.postmortems.gathering.model import (
    Change,
    FactKind,
    Gathered,
    IncidentBrief,
    MergedBrief,
)
from trust_portal.learning.postmortems.model import (
    ENGINE,
    FORMAT,
    KIND,
    Judgment,
    Person,
    PlannedAction,
    Postmortem,
    StepKind,
    Written,
)
from trust_portal.learning.postmortems.suspicion import Scope, suspicion

#: The facts that stand under a customer's key.
_OF_CUSTOMER = (FactKind.SLA, FactKind.COST, FactKind.DENIAL, FactKind.MITIGATION)


@dataclass(frozen=True, slots=True)
class _Told:
    """Facts as the document tells them: by kind, and as evidence."""

    by_kind: Mapping[FactKind, list[dict[str, Any]]]
    evidence: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Writing:
    """What people put into a document: the parts, their judgments of changes with who made them, who wrote."""

    written: Written
    judgments: Mapping[str, tuple[Judgment, Person]]
    authors: tuple[Person, ...]


def postmortem_body(
    postmortem: Postmortem,
    gathered: Gathered,
    writing: Writing,
    actions: Sequence[PlannedAction],
    *,
    vendor: str,
) -> dict[str, Any]:
    """JSON without floats; the same arguments give the same document.

    ``postmortem.version`` is the version it is of; what it supersedes is the newest signed one.
    """
    before = postmortem.signed
    told = _told(gathered)
    return {
        "kind": KIND,
        "format": FORMAT,
        "vendor": vendor,
        "postmortem": {
            "id": str(postmortem.id),
            "version": str(postmortem.version),
            "reason": _reason(postmortem),
            "opened_at": rfc3339(postmortem.opened_at),
            "opened_because": postmortem.opened_because.value,
            "supersedes": None
            if before is None
            else {
                "version": str(before.number),
                "sha256": before.sha256,
                "receipt": str(before.receipt_id),
            },
        },
        "incident": _incident(gathered.incident),
        "written": writing.written.json(),
        "authors": [each.json() for each in writing.authors],
        "timeline": told[None].by_kind[FactKind.TIMELINE],
        "changes": [
            change_json(each, gathered.incident, writing.judgments.get(each.id)) for each in gathered.changes
        ],
        "denials": told[None].by_kind[FactKind.DENIAL],
        "customers": _customers(gathered, told),
        "missing": [
            {"source": each.source, "why": each.why} for each in gathered.missing if each.customer is None
        ],
        "actions": [each.json() for each in actions],
        "snapshot_at": rfc3339(gathered.at),
        "evidence": _by_time(told[None].evidence),
        "engine": dict(ENGINE),
    }


def change_json(
    change: Change, incident: IncidentBrief, judged: tuple[Judgment, Person] | None
) -> dict[str, Any]:
    """A change with the rule's verdict, or a person's over it."""
    ruled = suspicion(change, scope_of(incident))
    verdict, reason = (
        (ruled.verdict, ruled.reason) if judged is None else (judged[0].verdict, judged[0].reason)
    )
    return {
        "id": change.id,
        "at": rfc3339(change.at),
        "kind": change.kind,
        "name": change.name,
        "detail": change.detail,
        "environment": change.environment,
        "tenants": None if change.tenants is None else list(change.tenants),
        "by": change.by,
        "verdict": verdict.value,
        "reason": reason,
        "rule": {"id": ruled.rule, "verdict": ruled.verdict.value, "reason": ruled.reason},
        "judged_by": None if judged is None else judged[1].json(),
    }


def scope_of(incident: IncidentBrief) -> Scope:
    return Scope(
        incident.services,
        incident.began_at,
        None if incident.everybody else frozenset(each.key for each in incident.customers),
    )


def title_of(document: Mapping[str, Any]) -> str:
    return f"Postmortem: {document['incident']['title']}"


def _reason(postmortem: Postmortem) -> str | None:
    """Why there is a version after the first."""
    return next(
        (
            each.reason
            for each in reversed(postmortem.steps)
            if each.kind is StepKind.REOPENED and each.version == postmortem.version
        ),
        None,
    )


def _incident(incident: IncidentBrief) -> dict[str, Any]:
    return {
        "id": str(incident.id),
        "source": incident.source,
        "key": incident.key,
        "title": incident.title,
        "service": incident.service,
        "team": incident.team,
        "owner": incident.owner,
        "severity": incident.severity,
        "declared_severity": incident.declared_severity,
        "worst_severity": incident.worst_severity,
        "times": {
            name: _instant(getattr(incident, f"{name}_at"))
            for name in ("began", "detected", "declared", "told", "mitigated", "resolved")
        },
        "reopened": str(incident.reopened),
        "everybody": incident.everybody,
        "objectives": None if incident.objectives is None else list(incident.objectives),
        "merged": [_merged(each) for each in incident.merged],
    }


def _merged(merged: MergedBrief) -> dict[str, Any]:
    return {
        "id": str(merged.id),
        "source": merged.source,
        "key": merged.key,
        "title": merged.title,
        "service": merged.service,
        "severity": merged.severity,
        "declared_severity": merged.declared_severity,
        "worst_severity": merged.worst_severity,
        "times": {
            name: _instant(getattr(merged, f"{name}_at")) for name in ("began", "declared", "resolved")
        },
    }


def _told(gathered: Gathered) -> Mapping[str | None, _Told]:
    """By customer; ``None`` is the vendor's own, and the changes are among its evidence."""
    of: list[str | None] = [None, *(each.key for each in gathered.incident.customers)]
    told = {key: _Told({kind: [] for kind in FactKind}, []) for key in of}
    for fact in gathered.facts:
        if (found := told.get(fact.customer)) is not None:
            at = rfc3339(fact.at)
            found.by_kind[fact.kind].append({"id": fact.id, "at": at, **fact.fields})
            found.evidence.append(_entry(fact.id, fact.kind, fact.source, at, fact.sha256))
    told[None].evidence.extend(
        _entry(each.id, FactKind.CHANGE, f"{each.source} {each.event_id}", rfc3339(each.at), each.sha256)
        for each in gathered.changes
    )
    return told


def _customers(gathered: Gathered, told: Mapping[str | None, _Told]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for customer in gathered.incident.customers:
        own = told[customer.key]
        found[customer.key] = {
            "id": str(customer.id),
            "name": customer.name,
            **{kind.value: own.by_kind[kind] for kind in _OF_CUSTOMER},
            "missing": [],
            "evidence": _by_time(own.evidence),
        }
    for each in gathered.missing:
        if each.customer in found:
            found[each.customer]["missing"].append({"source": each.source, "why": each.why})
    return found


def _by_time(evidence: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(evidence, key=itemgetter("at", "id"))


def _entry(id_: str, kind: FactKind, source: str, at: str, sha256: str) -> dict[str, str]:
    """A fact by its id: what kind, from where, when, and the digest by which its source can be asked."""
    return {"id": id_, "kind": kind.value, "source": source, "at": at, "sha256": sha256}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
