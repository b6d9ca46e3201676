"""What reviewers of an emergency access are shown: made from what is on record alone. Pure."""

from __future__ import annotations

from typing import Final

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.break_glass.model import Emergency, GlassAct, Record
from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.names import readable_line

#: More than this is told by a number and one digest; the page lists them all.
_MOST_ACTS: Final = 25


def review_intent(emergency: Emergency, record: Record, tenant: Tenant, digests: dict[str, str]) -> Intent:
    """``digests``: hex SHA-256 of the receipts that opened and closed it, by ``opened`` and ``closed``."""
    grant, closed = emergency.grant, emergency.step(GlassAct.CLOSE)
    assert closed is not None, "what is reviewed is closed"  # noqa: S101 - narrows the type
    receipts = f"/t/{tenant.key}/receipts"
    shown = record.acts[:_MOST_ACTS]
    acts = [
        IntentLine(f"Act {number}", f"{each.kind} at {rfc3339(each.at)}")
        for number, each in enumerate(shown, start=1)
    ]
    if len(record.acts) > len(shown):
        rest = record.acts[len(shown) :]
        acts.append(
            IntentLine(
                "Further acts",
                f"{len(rest)}; SHA-256 of their receipts' digests {digest([each.sha256 for each in rest])}",
            )
        )
    return Intent(
        kind=ApprovalKind.BREAK_GLASS_REVIEW,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        title=readable_line(f"Emergency access of {grant.person_name} to {tenant.name}", 200),
        act=(
            IntentLine("Who broke the glass", grant.person_name),
            IntentLine("Reason given", readable_line(grant.reason, 2000)),
            IntentLine("Opened", rfc3339(grant.opened_at)),
            IntentLine("Ended", f"{rfc3339(emergency.ended_at)}, closed by {closed.actor_name}"),
            IntentLine("Entries in the access log", str(record.looks)),
            IntentLine("Acts", str(len(record.acts))),
            *acts,
        ),
        effect="It counts as reviewed. What was done with it stays as it is",
        risk="Who approves says that it was needed and used for what was said. To deny is to object to it",
        evidence=(
            Evidence("Receipt: opened", f"{receipts}/{grant.receipt_id}", digests["opened"]),
            Evidence("Receipt: closed", f"{receipts}/{closed.receipt_id}", digests["closed"]),
            *(
                Evidence(f"Receipt: {each.kind}", f"{receipts}/{each.receipt_id}", each.sha256)
                for each in shown
            ),
        ),
    )
