"""Steps of playbooks while the incident went on, each by its receipt in the customer's log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trust_portal.cost.remediation.model import Run, Step
from trust_portal.cost.remediation.repository import runs_between
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.learning.postmortems.gathering.model import Customer, Fact, FactKind, IncidentBrief
from trust_portal.storage.unit_of_work import ReadSession

SOURCE: Final = "playbooks"


async def gather_mitigation(session: ReadSession, incident: IncidentBrief, now: datetime) -> tuple[Fact, ...]:
    """Every step with a receipt, as they happened. In the staff scope."""
    facts: list[Fact] = []
    for customer in incident.customers:
        runs = await runs_between(session, customer.id, incident.began_at, incident.over_at(now))
        steps = [
            (run, step)
            for run in runs
            for step in run.steps
            if step.receipt_id is not None and incident.began_at <= step.at < incident.over_at(now)
        ]
        digests = await receipt_digests(
            session, customer.id, *(step.receipt_id for _, step in steps if step.receipt_id is not None)
        )
        facts += [
            _fact(run, step, customer, digests[step.receipt_id])
            for run, step in steps
            if step.receipt_id in digests
        ]
    return tuple(sorted(facts, key=lambda each: (each.at, each.id)))


def _fact(run: Run, step: Step, customer: Customer, sha256: str) -> Fact:
    return Fact(
        f"{run.id}/{step.ordinal}",
        FactKind.MITIGATION,
        f"receipt/{step.receipt_id}",
        step.at,
        sha256,
        {
            "run": str(run.id),
            "playbook": run.plan.playbook_id,
            "step": step.kind.value,
            "state": step.state.value,
            "by": step.actor_name,
            "target": {name: str(value) for name, value in run.plan.target.items()},
            "receipt": str(step.receipt_id),
        },
        customer.key,
    )
