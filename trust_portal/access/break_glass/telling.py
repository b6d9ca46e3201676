"""Everybody is told: when the glass is broken, when it ends, when nobody has reviewed it in time."""

from __future__ import annotations

from trust_portal.access.break_glass.model import Emergency, GlassStep, Grant, Outcome, Record
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.actor import CUSTOMER_ROLES
from trust_portal.kernel.clock import rfc3339
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession

_EVERYBODY = RULES[Topic.BREAK_GLASS].roles


async def tell_opened(session: WriteSession, grant: Grant, tenant: Tenant) -> None:
    await _tell(
        session,
        grant,
        tenant,
        "opened",
        title=f"{grant.person_name} broke the glass for {tenant.name}",
        text=f"Reason: {grant.reason}\n\nUntil {grant.until:%Y-%m-%d %H:%M} UTC they may see what belongs"
        " to the tenant and act without waiting for approval, within the policies. Whatever they do"
        " carries the id of this access; two others will review it.",
    )


async def tell_closed(
    session: WriteSession, emergency: Emergency, step: GlassStep, record: Record, tenant: Tenant
) -> None:
    await _tell(
        session,
        emergency.grant,
        tenant,
        "closed",
        title=f"Emergency access to {tenant.name} is over",
        text=f"{emergency.grant.person_name} had it; closed by {step.actor_name}: {step.reason}\n\n"
        f"{len(record.acts)} acts and {record.looks} entries in the access log carry its id."
        " It is not reviewed yet.",
    )


async def tell_reviewed(session: WriteSession, emergency: Emergency, step: GlassStep, tenant: Tenant) -> None:
    objected = step.outcome is Outcome.OBJECTED
    await _tell(
        session,
        emergency.grant,
        tenant,
        "reviewed",
        title=f"Emergency access to {tenant.name} was {'objected to' if objected else 'accepted'} in review",
        text=f"{emergency.grant.person_name} had it. {step.reason}",
    )


async def tell_overdue(
    session: WriteSession, emergency: Emergency, tenant: Tenant, why: str, occasion: str
) -> None:
    """The vendor's people only: it is theirs to mend."""
    await _tell(
        session,
        emergency.grant,
        tenant,
        occasion,
        title=f"Emergency access to {tenant.name} is still not reviewed",
        text=f"{emergency.grant.person_name} had it until {emergency.ended_at:%Y-%m-%d %H:%M} UTC. {why}",
        staff_only=True,
    )


async def _tell(
    session: WriteSession,
    grant: Grant,
    tenant: Tenant,
    occasion: str,
    *,
    title: str,
    text: str,
    staff_only: bool = False,
) -> None:
    thread = f"break-glass/{grant.id}"
    await announce(
        session,
        Announcement(
            topic=Topic.BREAK_GLASS,
            key=f"{thread}/{occasion}",
            thread=thread,
            title=title,
            text=text,
            path=f"/t/{tenant.key}/break-glass/{grant.id}",
            facts={
                "break_glass": str(grant.id),
                "by": grant.person_name,
                "opened_at": rfc3339(grant.opened_at),
                "until": rfc3339(grant.until),
            },
            audience=Audience(_EVERYBODY - CUSTOMER_ROLES if staff_only else _EVERYBODY),
        ),
    )
