"""An anomaly and a playbook's run as they are stored, for what documents say of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.anomalies.model import AnomalyState, CostAnomaly, Figures, Lane
from trust_portal.cost.detection.model import Direction, Reason, Severity
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation import model as remediation
from trust_portal.cost.remediation.model import BlastRadius, Part, Plan, Run, RunState, Saving
from trust_portal.cost.remediation.playbooks import load_playbooks

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
TENANT = Tenant(UUID(int=1), "acme", "Acme", "UTC", "", NOW, NOW, None)
ACTED = datetime(2026, 6, 20, 10, 30, tzinfo=UTC)
VERIFIED, RECEIPT = UUID(int=77), UUID(int=78)


def run(
    number: int,
    *,
    before: str = "110.000000",
    after: str = "20.500000",
    since: datetime = datetime(2026, 6, 20, 11, tzinfo=UTC),
    currency: str = "EUR",
    ends: tuple[RunState, ...] = (RunState.EXECUTED, RunState.VERIFIED),
    acted: datetime = ACTED,
    sent: bool = True,
) -> Run:
    """A throttled export; ``ends`` are the states it came to after it was sent."""
    book = load_playbooks().by_id["throttle-exports"]
    plan = Plan(
        tenant="acme", tenant_name="Acme", anomaly=UUID(int=5), anomaly_revision=1, subsystem="egress",
        currency=currency, started_at=ACTED - 3 * HOUR, ended_at=ACTED, expected=Decimal(60),
        actual=Decimal(360), playbook_id="throttle-exports", playbook=book, playbooks_digest="0" * 64,
        target={"operation": "export"}, parameters={},
        part=Part(where={"operation": "export"}, expected=Decimal(30), actual=Decimal(330)),
        reasons=(), saving=Saving(per_hour=Decimal(999), hours=24, total=Decimal(23976)),
        blast_radius=BlastRadius(hours=3, things=(), count=0, cost=Decimal(0), of_tenant=Decimal(0),
                                 beside=Decimal(0), per_day=0),
        evidence=(),
    )  # fmt: skip
    id_ = UUID(int=1000 + number)
    said = {"verification": {"before": before, "after": after, "start": since.isoformat()}}
    happened: list[tuple[str, RunState, dict[str, Any]]] = [
        ("planned", RunState.PLANNED, {}),
        *([("sent", RunState.EXECUTING, {"key": f"{id_}:apply"})] if sent else []),
        *((each.value, each, said if each is RunState.VERIFIED else {}) for each in ends),
    ]
    steps = tuple(
        remediation.Step(
            at, remediation.StepKind(kind), state, acted + (at - 1) * HOUR, "Rita", detail,
            VERIFIED if state is RunState.VERIFIED else RECEIPT, None,
        )
        for at, (kind, state, detail) in enumerate(happened)
    )  # fmt: skip
    return Run(id_, TENANT.id, plan, acted - HOUR, UUID(int=9), "Rita", steps)


def anomaly() -> CostAnomaly:
    return CostAnomaly(
        id=UUID(int=5), tenant_id=TENANT.id, lane=Lane.LIVE, series=Series("egress", "EUR"),
        direction=Direction.UP, kind=Reason.DEVIATION, state=AnomalyState.OPEN, severity=Severity.HIGH,
        score=9.0, confidence=0.9, started_at=ACTED - 3 * HOUR, peak_at=ACTED, last_at=ACTED,
        detected_at=ACTED, figures=Figures(Decimal("60.005"), Decimal("360.015")),
        unexplained=Decimal("12.345"), detector="d", detector_version="1", evidence={}, suppression_id=None,
        verdict=None, revision=1, opened_receipt_id=RECEIPT, closed_receipt_id=None,
        explained_receipt_id=UUID(int=79), opened_at=ACTED, explained_at=ACTED, first_explained_at=ACTED,
        closed_at=None, changed_at=ACTED,
    )  # fmt: skip
