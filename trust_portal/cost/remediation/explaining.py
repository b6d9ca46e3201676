"""From an explanation on record to what planning needs of it, with the figures of the roll-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.anomalies.model import CostAnomaly
from trust_portal.cost.explanation.explanation import Explanation
from trust_portal.cost.metering.model import Part as UsagePart
from trust_portal.cost.metering.repository import read_part_sums
from trust_portal.cost.remediation.blast_radius import blast_radius
from trust_portal.cost.remediation.model import Evidence, Plan
from trust_portal.cost.remediation.planning import Fit, hours_of
from trust_portal.cost.remediation.playbooks import ControlAction
from trust_portal.cost.remediation.targets import Known, Metered, throttle
from trust_portal.errors import NotFound
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

_HOUR: Final = timedelta(hours=1)
#: How many of an anomaly's last hours say what a target reaches.
_LOOKED_AT: Final = 24


@dataclass(frozen=True, slots=True)
class Ground:
    """What every plan for an anomaly stands on."""

    tenant_key: str
    tenant_name: str
    anomaly: CostAnomaly
    known: Known
    metered: Metered
    usage: tuple[UsagePart, ...]
    hours: int
    evidence: tuple[Evidence, ...]


def known_of(explanation: Explanation) -> Known:
    return Known(
        attribution=explanation.attribution,
        drivers=explanation.drivers,
        table=explanation.table,
        links=explanation.links,
        candidates=explanation.candidates,
    )


async def read_ground(storage: Storage, tenant_id: UUID, explanation: Explanation) -> Ground:
    """The usage that targets could reach, and the receipts that the plan rests on."""
    anomaly = explanation.anomaly
    end = anomaly.last_at + _HOUR
    start = max(anomaly.started_at, end - _LOOKED_AT * _HOUR)
    async with storage.read(TenantScope(tenant_id), snapshot=True) as session:
        tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("anomaly")
        usage = await read_part_sums(session, tenant_id, start, end)
        metered = await _metered(session, explanation)
        receipts = {
            "anomaly opened": anomaly.opened_receipt_id,
            "anomaly explained": anomaly.explained_receipt_id,
        }
        named = {label: id_ for label, id_ in receipts.items() if id_ is not None}
        digests = await receipt_digests(session, tenant_id, *named.values())
    return Ground(
        tenant.key,
        tenant.name,
        anomaly,
        known_of(explanation),
        metered,
        usage,
        round((end - start) / _HOUR),
        tuple(Evidence(label=label, receipt=id_, sha256=digests[id_]) for label, id_ in named.items()),
    )


async def _metered(session: ReadSession, explanation: Explanation) -> Metered:
    anomaly, hours = explanation.anomaly, hours_of(explanation.anomaly)
    before: list[UsagePart] = []
    for start in explanation.comparable:
        before += await read_part_sums(session, anomaly.tenant_id, start, start + hours * _HOUR)
    return Metered(
        series=anomaly.series,
        now=await read_part_sums(session, anomaly.tenant_id, anomaly.started_at, explanation.end),
        now_hours=hours,
        before=before,
        before_hours=len(explanation.comparable) * hours,
    )


def draft(ground: Ground, found: Fit, playbooks_digest: str) -> Plan:
    """The plan, before the product was asked what it would do."""
    anomaly, target, parameters = ground.anomaly, found.target, found.target.parameters
    if found.playbook.action is ControlAction.THROTTLE_EXPORTS:
        parameters = throttle(found.playbook.headroom, target.part, target.target, ground.metered)
    return Plan(
        tenant=ground.tenant_key,
        tenant_name=ground.tenant_name,
        anomaly=anomaly.id,
        anomaly_revision=anomaly.revision,
        subsystem=anomaly.series.subsystem,
        currency=anomaly.series.currency,
        started_at=anomaly.started_at,
        ended_at=anomaly.last_at + _HOUR,
        expected=anomaly.figures.expected,
        actual=anomaly.figures.actual,
        playbook_id=found.playbook_id,
        playbook=found.playbook,
        playbooks_digest=playbooks_digest,
        target=target.target,
        parameters=parameters,
        part=target.part,
        reasons=found.reasons,
        saving=found.saving,
        blast_radius=blast_radius(
            ground.usage,
            target=target.target,
            acted_upon=target.part.where,
            series=anomaly.series,
            hours=ground.hours,
        ),
        evidence=ground.evidence,
    )
