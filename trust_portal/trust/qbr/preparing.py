"""A snapshot put on record, and when the clockwork takes one: before the review, and anew each day until then.

What was said belongs to the period and stays, whatever is gathered anew. Yet a verdict holds of the figures it was given
on, so a draft that somebody has begun to work on is theirs: it is never gathered anew under their hands, and they are told
when it has grown old.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from trust_portal.access.policy import Decision
from trust_portal.access.tenants.model import Tenant
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import new_id
from trust_portal.kernel.period import parse_period
from trust_portal.storage.unit_of_work import ReadSession, WriteSession
from trust_portal.trust.accounts.repository import settings_of
from trust_portal.trust.qbr.ageing import gathers_anew
from trust_portal.trust.qbr.document import sections_in, snapshot_bytes
from trust_portal.trust.qbr.model import Prepare, Qbr
from trust_portal.trust.qbr.obstacles import obstacles_of
from trust_portal.trust.qbr.receipts import prepared_act
from trust_portal.trust.qbr.repository import add_qbr, entries_of, qbrs_of
from trust_portal.trust.qbr.snapshot import Snapshot
from trust_portal.trust.qbr.telling import announce_prepared
from trust_portal.trust.report.model import blocking


async def is_wanted(session: ReadSession, command: Prepare, now: datetime) -> bool:
    """Whether the clockwork has to prepare the period: there is nothing, or a draft of its own to be taken anew."""
    own = await qbrs_of(session, command.tenant_id, command.period)
    if not own:
        return True
    if any(each.issue is not None for each in own):
        return False
    spoken = bool(await entries_of(session, command.tenant_id, command.period))
    return gathers_anew(own[0], now, spoken=spoken)


async def record_snapshot(
    session: WriteSession,
    ledger: Ledger,
    command: Prepare,
    found: Snapshot,
    before: Iterable[Qbr],
    actor: Actor,
    decision: Decision,
) -> Qbr:
    """The data locked by a receipt; ``before`` are all of the tenant. ``Conflict`` (QBR_CHANGED)."""
    content, sha256 = snapshot_bytes(found.sections)
    period = parse_period(command.period, found.tenant.time_zone)
    qbr = Qbr(
        id=new_id(),
        tenant_id=command.tenant_id,
        number=1 + max((each.number for each in before), default=0),
        period=command.period,
        as_of=found.as_of,
        sha256=sha256,
        prepared_by=actor.name,
        receipt_id=new_id(),
        blocking=len(blocking(found.sections)),
        trust_report_id=found.trust_report_id,
        # Of what is locked: a moment in it is as exact as it is written.
        obstacles=obstacles_of(sections_in(content), period.end),
    )
    act = prepared_act(qbr, found.sections, actor, decision)
    await ledger.record(session, act, receipt_id=qbr.receipt_id)
    await add_qbr(session, qbr, content, actor)
    return qbr


async def tell_prepared(session: WriteSession, tenant: Tenant, qbr: Qbr, before: Sequence[Qbr]) -> None:
    """In the transaction of the clockwork's snapshot: its CSM is told of the first, and where more blocks than before."""
    earlier = next((each for each in before if each.period == qbr.period), None)
    if earlier is None or qbr.blocking > earlier.blocking:
        settings = await settings_of(session, qbr.tenant_id)
        await announce_prepared(session, tenant, qbr, settings, again=earlier is not None)
