"""Who is told of a spike or a drop: the operators, once, while it is still going on and nobody has suppressed it."""

from __future__ import annotations

from typing import Final

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.anomalies.model import CostAnomaly, Lane
from trust_portal.cost.detection.model import Severity
from trust_portal.kernel.clock import rfc3339
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession

_SERIOUS: Final = frozenset({Severity.HIGH, Severity.CRITICAL})


async def tell_if_serious(session: WriteSession, anomaly: CostAnomaly) -> None:
    """In the transaction that opened it, or made it worse."""
    if (
        anomaly.lane is not Lane.LIVE
        or anomaly.severity not in _SERIOUS
        or not anomaly.is_open
        or anomaly.suppression_id is not None
    ):
        return
    tenant = await find_tenant(session, anomaly.tenant_id)
    if tenant is None:
        return
    excess = f"{anomaly.figures.excess:.2f} {anomaly.series.currency}"
    moved = (
        f"{abs(anomaly.figures.excess):.2f} {anomaly.series.currency} {'less' if anomaly.is_drop else 'more'}"
    )
    await announce(
        session,
        Announcement(
            topic=Topic.ANOMALY_OPENED,
            key=f"anomaly/{anomaly.id}",
            title=f"{tenant.name}: {anomaly.series.subsystem} costs {moved} than expected",
            text=f"Since {anomaly.started_at:%Y-%m-%d %H:%M} UTC, severity {anomaly.severity.value}. "
            "Its page says why, as far as that can be told yet.",
            path=f"/t/{tenant.key}/cost/anomalies/{anomaly.id}",
            facts={
                "anomaly": str(anomaly.id),
                "subsystem": anomaly.series.subsystem,
                "direction": anomaly.direction.value,
                "severity": anomaly.severity.value,
                "excess": excess,
                "started_at": rfc3339(anomaly.started_at),
            },
            audience=Audience(RULES[Topic.ANOMALY_OPENED].roles),
        ),
    )
