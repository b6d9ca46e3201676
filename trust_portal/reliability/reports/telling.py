"""Who is told that a report was signed: the customer it is about, and whoever's systems asked to be."""

from __future__ import annotations

from trust_portal.access.tenants.repository import find_tenant
from trust_portal.documents import formats
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.reliability.reports.record import StoredReport
from trust_portal.storage.unit_of_work import WriteSession


async def tell_issued(session: WriteSession, report: StoredReport) -> None:
    """In the transaction that signs it. A report that was refused has nothing to tell a customer yet."""
    tenant = await find_tenant(session, report.tenant_id)
    if report.revision is None or tenant is None:
        return
    again = report.supersedes is not None
    await announce(
        session,
        Announcement(
            topic=Topic.SLA_REPORT_ISSUED,
            key=f"sla-report/{report.id}",
            title=f"{tenant.name}: SLA report for {formats.period(report.period)}"
            + (f", revision {report.revision}" if again else ""),
            text=(
                "It was restated: what changed and why is on its page."
                if again
                else "It is signed. What was promised, what was measured and its bundle are on its page."
            ),
            path=f"/t/{tenant.key}/reports/{report.id}",
            facts={
                "report": str(report.id),
                "period": report.period,
                "revision": str(report.revision),
                "sha256": report.sha256,
            },
            thread=f"sla-report/{report.period}",
            audience=Audience(RULES[Topic.SLA_REPORT_ISSUED].roles),
        ),
    )
