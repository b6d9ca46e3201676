"""Who is told that a QBR was issued: the customer's people, by mail and in the inbox, and its systems."""

from __future__ import annotations

from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.documents.formats import period
from trust_portal.kernel.actor import Role
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import Topic
from trust_portal.storage.unit_of_work import WriteSession
from trust_portal.trust.qbr.model import Qbr

_READERS: Final = frozenset({Role.CUSTOMER_ADMIN, Role.CUSTOMER_VIEWER})


async def announce_issue(session: WriteSession, tenant: Tenant, qbr: Qbr) -> None:
    """In the transaction of the issue."""
    issue = qbr.issue
    if issue is None:
        raise ValueError("what was not issued is not announced")
    again = issue.revision > 1
    await announce(
        session,
        Announcement(
            topic=Topic.QBR_ISSUED,
            key=f"qbr/{qbr.id}",
            thread=f"qbr/{qbr.period}",
            title=f"Business review, {period(qbr.period)}{', again' if again else ''}",
            text=(
                "What was promised in the last review, how the period went, and what is recommended: as slides, "
                "on paper and as data, in one signed bundle that can be checked offline."
            ),
            path=f"/t/{tenant.key}/qbr/{qbr.id}",
            facts={"period": qbr.period, "revision": str(issue.revision), "sha256": issue.sha256},
            audience=Audience(roles=_READERS),
        ),
    )
