"""Steps of playbooks while the incident went on, each by its receipt in the customer's log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from trust_portal.cost.remediation.steps_taken import StepTaken, steps_between
from trust_portal.evidence.receipt_rows import digests_of_tenants
from trust_portal.learning.postmortems.gathering.model import Fact, FactKind, IncidentBrief
from trust_portal.storage.unit_of_work import ReadSession

SOURCE: Final = "playbooks"


async def gather_mitigation(session: ReadSession, incident: IncidentBrief, now: datetime) -> tuple[Fact, ...]:
    """Every step with a receipt, as they happened. In the staff scope."""
    keys = {each.id: each.key for each in incident.customers}
    steps = await steps_between(session, keys, incident.began_at, incident.over_at(now))
    digests = await digests_of_tenants(session, keys, [each.receipt_id for each in steps])
    of_run = {each.run_id: each.target for each in steps}
    targets = {run: {name: str(value) for name, value in of_run[run].items()} for run in of_run}
    facts = [
        _fact(each, keys[each.tenant_id], sha256, targets[each.run_id])
        for each in steps
        if (sha256 := digests.get((each.tenant_id, each.receipt_id))) is not None
    ]
    return tuple(sorted(facts, key=lambda each: (each.at, each.id)))


def _fact(step: StepTaken, customer: str, sha256: str, target: Mapping[str, str]) -> Fact:
    return Fact(
        f"{step.run_id}/{step.ordinal}",
        FactKind.MITIGATION,
        f"receipt/{step.receipt_id}",
        step.at,
        sha256,
        {
            "run": str(step.run_id),
            "playbook": step.playbook,
            "step": step.kind.value,
            "state": step.state.value,
            "by": step.actor_name,
            "target": target,
            "receipt": str(step.receipt_id),
        },
        customer,
    )
