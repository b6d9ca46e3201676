"""Which drafts may rest on what was changed since: few, and their own pages say whether they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, union_all

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.repository import recast_since
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.tables import customer_keys, receipts
from trust_portal.facts.usage_batches import tenants_with_usage_waiting
from trust_portal.kernel.period import parse_period
from trust_portal.learning.incidents.repository import major_changed_since
from trust_portal.learning.switchboard.repository import untaken
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.imports.repository import assessments_changed_at
from trust_portal.trust.gathering.cost import MAX_WAIT
from trust_portal.trust.qbr.model import Qbr
from trust_portal.trust.qbr.repository import last_commitments


async def may_have_moved(
    session: ReadSession,
    drafts: Sequence[Qbr],
    tenants: Mapping[UUID, Tenant],
    under_way: timedelta,
    now: datetime,
) -> frozenset[UUID]:
    """The drafts of which since then, or ``under_way`` before it, a promise was made or settled, the customer's key or what
    is agreed about its data was changed, an assessment from elsewhere was taken in or withdrawn, a major incident of
    the period was told of, or closed hours of usage became others; and those of whom usage waits for long, or of whose
    period something may have been major that the register has not. For the staff scope; ``drafts`` are some.
    """
    since = min(each.as_of for each in drafts) - under_way
    promised = await last_commitments(session)
    agreed = await _last_agreed(session, {each.tenant_id for each in drafts}, since)
    assessed_at = await assessments_changed_at(session)
    major = await major_changed_since(session, since)
    recast = await recast_since(session, since)
    unclear = await untaken(session)
    found = set[UUID]()
    waiting = await tenants_with_usage_waiting(session, now - MAX_WAIT)
    for qbr in drafts:
        tenant = tenants[qbr.tenant_id]
        end = parse_period(qbr.period, tenant.time_zone).end
        moments = [
            promised.get(tenant.id),
            agreed.get(tenant.id),
            assessed_at,
            recast.get(tenant.id),
            *(each.changed_at for each in major if each.began_at < end and each.concerns(tenant)),
        ]
        asked = tenant.id in waiting or any(at < end for at in unclear)
        if asked or any(at is not None and at > qbr.as_of - under_way for at in moments):
            found.add(qbr.id)
    return frozenset(found)


async def _last_agreed(
    session: ReadSession, tenant_ids: set[UUID], since: datetime
) -> Mapping[UUID, datetime]:
    """By tenant, the last act after ``since`` about its key, or about where its data stays."""
    keys, row = customer_keys.c, receipts.c
    acts = union_all(
        select(keys.tenant_id, keys.at).where(keys.tenant_id.in_(tenant_ids), keys.at > since),
        select(row.tenant_id, row.at).where(
            row.tenant_id.in_(tenant_ids),
            row.kind == ReceiptKind.TENANT_RESIDENCY_SET.value,
            row.at > since,
        ),
    ).subquery()
    query = select(acts.c.tenant_id, func.max(acts.c.at).label("at")).group_by(acts.c.tenant_id)
    return {each.tenant_id: each.at for each in await session.execute(query)}
