"""Who is told when a playbook comes to nothing or waits for somebody, and when automation is stopped or may go on."""

from __future__ import annotations

from typing import Final

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.cost.remediation.model import Run, RunState, Step, StepKind
from trust_portal.cost.remediation.switches_model import SwitchRevision
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession

#: By why a run failed: what that means for the product.
_FAILED: Final = {
    "expired before it was sent": "It was not sent in time. Nothing was changed.",
    "refused": "The product refused it. Nothing was changed.",
    "rollback not confirmed": (
        "The product did not confirm that it took it back. Whether it still stands is not known:"
        " somebody has to look at the product, or take it back once more."
    ),
    "rollback refused": (
        "The product refused to take it back. What was done still stands: somebody has to look at it."
    ),
}
#: A rollback that was not confirmed in so many attempts, about a minute, is told.
_ATTEMPTS: Final = 6


async def tell_step(session: WriteSession, run: Run) -> None:
    """``run`` as its last step left it, in the transaction of that step."""
    told = _told(run, run.last)
    if told is None:
        return
    topic, verb, text = told
    await announce(
        session,
        Announcement(
            topic=topic,
            key=f"playbook-run/{run.id}/{run.last.ordinal}",
            thread=f"playbook-run/{run.id}",
            title=f"{run.plan.playbook_id} {verb} at {run.plan.tenant}",
            text=text,
            path=f"/t/{run.plan.tenant}/cost/playbooks/{run.id}",
            facts={
                "run": str(run.id),
                "playbook": run.plan.playbook_id,
                "anomaly": str(run.plan.anomaly),
                "state": run.state.value,
            },
            audience=Audience(RULES[topic].roles),
        ),
    )


def _told(run: Run, step: Step) -> tuple[Topic, str, str] | None:
    detail = step.detail
    match step.kind:
        case StepKind.DENIED:
            rules = ", ".join(detail["rules"])
            return Topic.PLAYBOOK_DENIED, "was denied", f"Policy forbids it: {rules}. Nothing was sent."
        case StepKind.FAILED:
            text = _FAILED.get(detail["why"], "What may have been changed is on its page.")
            return Topic.PLAYBOOK_FAILED, "failed", text
        case StepKind.HELD if run.state is RunState.PLANNED:
            text = f"It was not asked for: {detail['why']}. Somebody may still ask, by hand."
            return Topic.PLAYBOOK_HELD, "waits", text
        case StepKind.HELD:
            text = (
                "A kill switch holds what was to be taken back by itself: until the switch is let go, or somebody"
                " takes it back by hand, what was done stands."
            )
            return Topic.PLAYBOOK_HELD, "is held", text
        case StepKind.UNCONFIRMED if run.state is RunState.ROLLING_BACK and detail["attempts"] == str(
            _ATTEMPTS
        ):
            text = (
                f"In {_ATTEMPTS} attempts the product has not confirmed that it took it back. It is tried on."
            )
            return Topic.PLAYBOOK_HELD, "is not confirmed as rolled back", text
        case StepKind.ROLLED_BACK:
            text = "The product has confirmed that it took it back."
            return Topic.PLAYBOOK_ROLLED_BACK, "was rolled back", text
        case _:
            return None


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
