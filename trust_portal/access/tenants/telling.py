"""What is agreed anew about a customer's data is told to those on both sides who would notice that it is wrong."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.tenants.model import SetResidency, Tenant
from trust_portal.kernel.actor import Actor
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession

_NOTHING = "nothing"


async def tell_residency(
    session: WriteSession, before: Tenant, command: SetResidency, actor: Actor, receipt_id: UUID
) -> None:
    """In the transaction that records it."""
    now, was = command.residency or _NOTHING, before.residency or _NOTHING
    await announce(
        session,
        Announcement(
            topic=Topic.RESIDENCY_SET,
            key=f"residency/{receipt_id}",
            title=f"{before.name}: agreed anew where its data stays",
            text=f"Agreed now: {now}. Before: {was}. Recorded by {actor.name}: {command.reason}\n\n"
            "Is that not what was agreed? Then whoever administers the portal for the vendor has to put it right. "
            "Whether the data lies where it should is looked at again, and stands on the page.",
            path=f"/t/{before.key}/posture",
            facts={"residency": command.residency, "before": before.residency, "receipt": str(receipt_id)},
            thread=f"residency/{before.id}",
            audience=Audience(RULES[Topic.RESIDENCY_SET].roles),
        ),
    )
