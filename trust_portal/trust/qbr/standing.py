"""A draft as it stands at a moment: how old it is by then, what would go out of it, and what is newer than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.kernel.period import Period, parse_period
from trust_portal.reliability.reports.repository import heads
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.ids import POSTURE
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.posture.repository import checks_of_receipts, today_of
from trust_portal.trust.posture.section import rests_on
from trust_portal.trust.qbr.ageing import Wait
from trust_portal.trust.qbr.beyond import Beyond, changed_beyond, look_beyond
from trust_portal.trust.qbr.closing import as_they_stand, closed
from trust_portal.trust.qbr.document import customer_sections, format_in, sections_in
from trust_portal.trust.qbr.edition import review_before, revision_before
from trust_portal.trust.qbr.model import FORMAT, Entry, Qbr
from trust_portal.trust.qbr.repository import commitments_of, entries_of, find_qbr, qbrs_of
from trust_portal.trust.qbr.snapshot import find_beside
from trust_portal.trust.qbr.superseding import newer_than, recorded_since
from trust_portal.trust.qbr.used_since import used_since
from trust_portal.trust.report.latest import latest
from trust_portal.trust.report.model import StoredTrustReport
from trust_portal.trust.report.repository import trust_reports_of
from trust_portal.trust.sections.model import Section

_OLD_FORMAT: Final = "reviews say more than when this was gathered"


@dataclass(frozen=True, slots=True)
class Standing:
    """``sections`` are all of them, ``told`` those that would go out; ``last`` is the period's issued review,
    ``previous`` that of an earlier period, ``trust_report`` the one that was the latest of its period, or before it, when it was gathered.
    ``newer`` names what took the place of a document that would go out as the latest, or as one that stands, and says
    what was promised or settled, or changed of what usage, posture, compliance and the register of incidents looked at, since.
    """

    period: Period
    sections: tuple[Section, ...]
    told: tuple[Section, ...]
    last: Qbr | None
    previous: Qbr | None
    trust_report: StoredTrustReport | None
    newer: tuple[str, ...]


async def standing_of(
    session: ReadSession,
    tenant: Tenant,
    qbr: Qbr,
    snapshot: bytes,
    entries: Sequence[Entry],
    at: datetime,
    beyond: Beyond,
) -> Standing:
    """``snapshot`` is what was locked, ``beyond`` what was read in the staff scope. One that was gathered for an earlier format has to be gathered anew."""
    sections = sections_in(snapshot)
    period = parse_period(qbr.period, tenant.time_zone)
    issued = [each for each in await qbrs_of(session, qbr.tenant_id) if each.issue is not None]
    previous = review_before(issued, period)
    published = await trust_reports_of(session, qbr.tenant_id)
    report = next((each for each in published if each.id == qbr.trust_report_id), None)
    wait = Wait(qbr.as_of, at, period.end, format_in(snapshot))
    standing = as_they_stand(sections, wait)
    beside = await find_beside(session, report, previous)
    told = closed(customer_sections(standing, entries), beside, qbr.as_of, at)
    newest = latest(published, until=qbr.period)
    newer = (
        *newer_than(told, report, newest, await heads(session, qbr.tenant_id)),
        *await _recorded_since(session, tenant, period, sections, at),
        *await _changed_since(session, tenant, told),
        *changed_beyond(told, beyond),
        *await used_since(session, tenant, period, qbr.as_of, sections, told, at),
    )
    if format_in(snapshot) != FORMAT:
        newer = (*newer, _OLD_FORMAT)
    return Standing(period, standing, told, revision_before(issued, qbr.period), previous, report, newer)


async def is_superseded(session: ReadSession, tenant: Tenant, qbr: Qbr, at: datetime) -> bool:
    """Whether it rests on what is no longer so, as its page says it and issuing it is refused for. For the staff scope."""
    _, snapshot = await find_qbr(session, tenant.id, qbr.id)
    entries = await entries_of(session, tenant.id, qbr.period)
    beyond = await look_beyond(session, tenant, qbr.period, at)
    return bool((await standing_of(session, tenant, qbr, snapshot, entries, at, beyond)).newer)


async def _changed_since(session: ReadSession, tenant: Tenant, told: Sequence[Section]) -> tuple[str, ...]:
    """What the looks that go out did not see: unless the section says so already, and somebody lets that stand."""
    section = next((each for each in told if each.id == POSTURE), None)
    if section is None:
        return ()
    behind = rests_on(section)
    looks = await checks_of_receipts(session, tenant.id, {receipt for _, receipt in behind})
    today = await today_of(session, tenant)
    found = (each.overtaken(today) for each in looks if (each.finding.check.value, each.receipt_id) in behind)
    return tuple(words for words in found if words is not None and words not in (section.why or ""))


async def _recorded_since(
    session: ReadSession, tenant: Tenant, period: Period, locked: Sequence[Section], at: datetime
) -> tuple[str, ...]:
    commitments = await commitments_of(session, tenant.id)
    return recorded_since(locked, commitments, Ask(tenant, period, at))
