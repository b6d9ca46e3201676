"""A postmortem of two customers, by hand: what was gathered, written and judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from trust_portal.kernel.canonical import digest
from trust_portal.learning.incidents.model import MajorBecause
from trust_portal.learning.postmortems.document import Writing, postmortem_body
from trust_portal.learning.postmortems.gathering.model import (
    Change,
    Customer,
    Fact,
    FactKind,
    Gathered,
    IncidentBrief,
    Missing,
)
from trust_portal.learning.postmortems.model import (
    Judgment,
    Person,
    PlannedAction,
    Postmortem,
    Step,
    StepKind,
    Verdict,
    Written,
)

BEGAN = datetime(2026, 6, 9, 10, 0, tzinfo=UTC)
NORTHWIND = Customer(UUID(int=11), "northwind", "Northwind Traders")
CONTOSO = Customer(UUID(int=12), "contoso", "Contoso Ltd")
AUTHOR = Person(UUID(int=21), "Ines Okafor")
ACTION = PlannedAction(UUID(int=31), "Cap exports per tenant", "prevent", AUTHOR, 10, None, None)


def incident(**changes: Any) -> IncidentBrief:
    known: dict[str, Any] = {
        "id": UUID(int=1),
        "source": "product",
        "key": "INC-7",
        "title": "Exports slow and costly",
        "service": "exports",
        "team": "platform",
        "owner": "Ines Okafor",
        "severity": "P1",
        "declared_severity": "P2",
        "worst_severity": "P1",
        "began_at": BEGAN,
        "detected_at": BEGAN + timedelta(minutes=4),
        "declared_at": BEGAN + timedelta(minutes=6),
        "told_at": None,
        "mitigated_at": BEGAN + timedelta(minutes=50),
        "resolved_at": BEGAN + timedelta(hours=2),
        "reopened": 0,
        "everybody": False,
        "objectives": None,
        "customers": (CONTOSO, NORTHWIND),
    }
    return IncidentBrief(**(known | changes))


def change(**changes: Any) -> Change:
    known: dict[str, Any] = {
        "id": "c1",
        "kind": "deploy",
        "name": "exports",
        "detail": "4.2.0 after 4.1.9",
        "environment": "production",
        "at": BEGAN - timedelta(minutes=42),
        "by": "release-bot",
        "tenants": None,
        "source": "product",
        "event_id": "e1",
        "sha256": "c" * 64,
    }
    return Change(**(known | changes))


def fact(of: FactKind, id_: str, customer: str | None = None, /, **fields: Any) -> Fact:
    return Fact(id_, of, "somewhere", BEGAN + timedelta(minutes=9), digest([id_]), fields, customer)


def entry(id_: str, text: str, *, key: bool = False) -> Fact:
    return fact(
        FactKind.TIMELINE,
        id_,
        kind="note",
        text=text,
        key=key,
        claim=False,
        severity=None,
        receipt=None,
        incident=None,
    )


def sla(customer: str) -> Fact:
    return fact(
        FactKind.SLA,
        f"{customer}/availability/2026-06",
        customer,
        objective="availability",
        period="2026-06",
        time_zone="Europe/Berlin",
        target="99.9",
        down_minutes="31",
        period_down_minutes="33",
        excluded_minutes="0",
        budget_minutes="43",
        until="2026-06-09T12:00:00Z",
        contract="1",
    )


def gathered(**changes: Any) -> Gathered:
    known: dict[str, Any] = {
        "at": BEGAN + timedelta(days=1),
        "incident": incident(),
        "facts": (
            entry("t1", "Exports time out", key=True),
            entry("t2", "Restarted worker 10.0.4.17"),
            sla("contoso"),
            sla("northwind"),
        ),
        "changes": (change(),),
        "missing": (Missing("timeline", "nobody said when customers were told"),),
    }
    return Gathered(**(known | changes))


def postmortem(**changes: Any) -> Postmortem:
    opening = Step(0, StepKind.OPENED, 1, None, AUTHOR, "declared", BEGAN, UUID(int=3))
    known: dict[str, Any] = {
        "id": UUID(int=2),
        "incident_id": UUID(int=1),
        "opened_at": BEGAN,
        "opened_because": MajorBecause.DECLARED,
        "owner_person_id": AUTHOR.id,
        "steps": (opening,),
        "versions": (),
    }
    return Postmortem(**(known | changes))


def document(**changes: Any) -> dict[str, Any]:
    """The canonical JSON's value."""
    writing = Writing(
        Written(summary="Exports **failed**.", impact="Reports came late.", contributors="A missing limit."),
        {"c1": (Judgment(Verdict.SUSPECT, "It raised the batch size."), AUTHOR)},
        (AUTHOR,),
    )
    return postmortem_body(postmortem(), gathered(**changes), writing, (ACTION,), vendor="Aurora Cloud")
