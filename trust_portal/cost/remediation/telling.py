"""Who is told when a playbook comes to nothing, and when automation is stopped or may go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.remediation.model import Run, StepKind
from trust_portal.cost.remediation.switches_model import SwitchRevision
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession

_TOLD: Final[Mapping[StepKind, tuple[Topic, str, str]]] = {
    StepKind.FAILED: (
        Topic.PLAYBOOK_FAILED,
        "failed",
        "The product refused it, or did not confirm it in time. What may have been changed is on its page.",
    ),
    StepKind.ROLLED_BACK: (
        Topic.PLAYBOOK_ROLLED_BACK,
        "was rolled back",
        "The product has confirmed that it took it back.",
    ),
}


async def tell_step(session: WriteSession, run: Run, kind: StepKind) -> None:
    """``run`` as it stands after a step of ``kind``, in the transaction of the step."""
    if kind not in _TOLD:
        return
    topic, verb, why = _TOLD[kind]
    await announce(
        session,
        Announcement(
            topic=topic,
            key=f"playbook-run/{run.id}/{run.last.ordinal}",
            thread=f"playbook-run/{run.id}",
            title=f"{run.plan.playbook_id} {verb} at {run.plan.tenant}",
            text=why,
            path=f"/t/{run.plan.tenant}/cost/anomalies/{run.plan.anomaly}",
            facts={
                "run": str(run.id),
                "playbook": run.plan.playbook_id,
                "anomaly": str(run.plan.anomaly),
                "state": run.state.value,
            },
            audience=Audience(RULES[topic].roles),
        ),
    )


async def tell_switch(session: WriteSession, revision: SwitchRevision) -> None:
    """A kill switch as it was just set, in the transaction that sets it."""
    tenant = await find_tenant(session, revision.tenant_id)
    everywhere = revision.tenant_id == VENDOR_ID or tenant is None
    what = revision.playbook or "every playbook"
    where = "everywhere" if tenant is None or everywhere else f"at {tenant.name}"
    await announce(
        session,
        Announcement(
            topic=Topic.KILL_SWITCH_PULLED,
            key=f"kill-switch/{revision.playbook or 'all'}/{revision.revision}",
            thread=f"kill-switch/{revision.playbook or 'all'}",
            title=f"{'Stopped' if revision.stopped else 'May go on'}: {what}, {where}",
            text=f"{revision.set_by} says: {revision.reason}",
            path="/cost" if tenant is None or everywhere else f"/t/{tenant.key}/cost",
            facts={"playbook": revision.playbook or "all", "stopped": "yes" if revision.stopped else "no"},
            audience=Audience(RULES[Topic.KILL_SWITCH_PULLED].roles),
        ),
    )
