"""Who is told that a batch left customers without their Trust Report: those who may start one, and who can mend it."""

from __future__ import annotations

from trust_portal.documents import formats
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.unit_of_work import WriteSession
from trust_portal.trust.batches.model import BatchOutcome, BatchProgress


async def tell_left_out(session: WriteSession, progress: BatchProgress) -> None:
    """In the transaction that completes the batch; nobody where everybody has a report. Names no customer."""
    if not progress.without:
        return
    batch, counts = progress.batch, progress.counts
    blocked, failed = counts[BatchOutcome.BLOCKED.value], counts[BatchOutcome.FAILED.value]
    await announce(
        session,
        Announcement(
            topic=Topic.TRUST_BATCH_BLOCKED,
            key=f"trust-batch/{batch.id}/{batch.attempt}",
            title=f"{len(progress.without)} without a Trust Report for {formats.period(batch.period)}",
            text=(
                f"The batch is over: of {batch.total} customers, {blocked} are blocked by a part that is stale or "
                f"missing, and {failed} failed. Its page says of each why; bring the parts up to date, or let them "
                "stand with a reason, and start it again."
            ),
            path=f"/trust-batches/{batch.period}",
            facts={
                "period": batch.period,
                "attempt": str(batch.attempt),
                "customers": str(batch.total),
                "blocked": str(blocked),
                "failed": str(failed),
            },
            thread=f"trust-batch/{batch.period}",
            audience=Audience(RULES[Topic.TRUST_BATCH_BLOCKED].roles),
        ),
    )
