"""Who is told that a Trust Report was published: the customer it is about, and whoever's systems asked to be."""

from __future__ import annotations

from trust_portal.access.tenants.model import Tenant
from trust_portal.documents import formats
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession
from trust_portal.trust.report.model import StoredTrustReport


async def tell_published(session: WriteSession, tenant: Tenant, report: StoredTrustReport) -> None:
    """In the transaction that publishes it."""
    named = ", ".join(f"{each.title} ({each.state.value})" for each in report.acknowledged)
    await announce(
        session,
        Announcement(
            topic=Topic.TRUST_REPORT_PUBLISHED,
            key=f"trust-report/{report.id}",
            title=f"{tenant.name}: Trust Report for {formats.period(report.period)}"
            + (f", revision {report.revision}" if report.revision > 1 else ""),
            text=(
                "It is published. What was promised, what became of it and how to check that are on its page, "
                "with its bundle." + (f" Published although not fresh: {named}." if named else "")
            ),
            path=f"/t/{tenant.key}/trust/{report.id}",
            facts={
                "report": str(report.id),
                "period": report.period,
                "revision": str(report.revision),
                "sha256": report.sha256,
            },
            thread=f"trust-report/{report.period}",
            audience=Audience(RULES[Topic.TRUST_REPORT_PUBLISHED].roles),
        ),
    )
