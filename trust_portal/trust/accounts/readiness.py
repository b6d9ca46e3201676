"""How ready a review is, and whether its QBR is to be prepared by now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.reports.record import Head
from trust_portal.trust.accounts.model import Account, AccountSettings, Readiness
from trust_portal.trust.qbr.ageing import gathers_anew, is_daily
from trust_portal.trust.qbr.model import FRESH_FOR, Qbr
from trust_portal.trust.qbr.obstacles import in_the_way
from trust_portal.trust.report.latest import Named, latest


def account_of(
    tenant: Tenant,
    settings: AccountSettings,
    reviews: Mapping[tuple[UUID, str], Qbr],
    now: datetime,
    spoken: Collection[tuple[UUID, str]] = (),
    superseded: Collection[UUID] = (),
    left_out: Mapping[tuple[UUID, str], Collection[str]] = MappingProxyType({}),
) -> Account:
    """An account with how far the QBR of the quarter that its next review is about has come.

    ``spoken`` names the tenants and periods about whose reviews somebody said something, ``superseded`` the drafts
    of which something they rest on was superseded, ``left_out`` the sections that do not go out.

    Of a draft it says what its own page says at that moment.
    """
    quarter = settings.quarter
    if quarter is None:
        own = (each for (id_, _), each in reviews.items() if id_ == tenant.id)
        issued = [(each.issue.at, each.id, each) for each in own if each.issue is not None]
        last = max(issued)[-1] if issued else None
        return Account(tenant, settings, Readiness.NO_DATE, last_issued=last)
    qbr = reviews.get((tenant.id, quarter))
    if qbr is None:
        nothing = tenant.came_after(quarter)
        return Account(tenant, settings, Readiness.NOTHING_YET if nothing else Readiness.NOT_PREPARED)
    if qbr.issue is not None:
        return Account(tenant, settings, Readiness.ISSUED, qbr.blocking, qbr.id)
    obstacles = qbr.obstacles or ()
    blocking = in_the_way(obstacles, now, left_out.get((tenant.id, quarter), ()))
    if qbr.id in superseded:
        state = Readiness.SUPERSEDED
    elif blocking - in_the_way(obstacles, qbr.as_of):
        state = Readiness.AGED
    else:
        state = Readiness.BLOCKED if blocking else Readiness.DRAFT
    is_spoken = (tenant.id, quarter) in spoken
    to_gather = gathers_anew(qbr, now, spoken=is_spoken)
    is_old = qbr.id in superseded or now - qbr.as_of > FRESH_FOR
    daily = is_daily(qbr, spoken=is_spoken)
    return Account(tenant, settings, state, len(blocking), qbr.id, to_gather, is_old, daily)


def superseded_among(drafts: Iterable[Qbr], published: Mapping[UUID, Iterable[Named]]) -> frozenset[UUID]:
    """The drafts beside another Trust Report than the last of their period or before; ``published`` are each tenant's."""
    found = set()
    for qbr in drafts:
        last = latest(published.get(qbr.tenant_id, ()), until=qbr.period)
        if last is not None and last.id != qbr.trust_report_id:
            found.add(qbr.id)
    return frozenset(found)


def may_be_superseded(
    drafts: Iterable[Qbr], heads: Iterable[Head], zones: Mapping[UUID, str], under_way: timedelta
) -> frozenset[UUID]:
    """The drafts of which an SLA report may have moved since, or ``under_way`` before it: their own pages say whether.

    ``heads`` are where periods stand that changed since, ``zones`` each tenant's time zone. A review tells of every
    period over the contract, up to the end of its own.
    """
    moved: dict[UUID, list[Head]] = {}
    for head in heads:
        if head.signed_id is not None:
            moved.setdefault(head.tenant_id, []).append(head)
    found = set()
    for qbr in drafts:
        zone = zones[qbr.tenant_id]
        end = parse_period(qbr.period, zone).end
        if any(
            parse_period(head.period, zone).start < end
            and max(head.changed_at, head.overtaken_at or head.changed_at) > qbr.as_of - under_way
            for head in moved.get(qbr.tenant_id, ())
        ):
            found.add(qbr.id)
    return frozenset(found)


def is_due(account: Account, today: date) -> bool:
    """Whether its QBR is to be prepared: its review is near, and there is none, or one that is to be gathered anew."""
    return is_near(account, today) and (account.readiness is Readiness.NOT_PREPARED or account.to_gather)


def is_near(account: Account, today: date) -> bool:
    """Whether the time to prepare its review has come, and its day has not passed."""
    review = account.settings.review_on
    return review is not None and review - account.settings.lead <= today <= review
