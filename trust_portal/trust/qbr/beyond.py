"""What the vendor's own rows say that a review tells of: read in the staff scope, as a customer's own does not reach them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.kernel.period import parse_period
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance.imports.repository import assessments_changed_at
from trust_portal.trust.compliance.section import unseen_by
from trust_portal.trust.gathering.ids import COMPLIANCE, INCIDENTS, MAJOR, UNCLEAR
from trust_portal.trust.gathering.incidents import major_of_period, unclear_of_period
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.repository import find_qbr
from trust_portal.trust.sections.model import Section


@dataclass(frozen=True, slots=True)
class Beyond:
    """``assessed_at``: when an assessment from elsewhere was last taken in or withdrawn. ``major``: the P1 and P2 of the
    period that the register has, by the ids that customers see. ``unclear``: how many may have been one of them.
    """

    assessed_at: datetime | None
    major: frozenset[str]
    unclear: int


async def look_beyond(session: ReadSession, tenant: Tenant, period: str, at: datetime) -> Beyond:
    """As it is now; ``at`` bounds a period that is not over. For the staff scope."""
    ask = Ask(tenant, parse_period(period, tenant.time_zone), at)
    found = await major_of_period(session, ask)
    return Beyond(
        await assessments_changed_at(session),
        frozenset(str(each.shown_id) for each in found),
        await unclear_of_period(session, ask),
    )


async def beyond_draft(session: ReadSession, tenant_id: UUID, qbr_id: UUID, at: datetime) -> Beyond:
    """``look_beyond`` for the period of a draft. ``NotFound``."""
    tenant = await find_tenant(session, tenant_id)
    if tenant is None:
        raise NotFound("tenant")
    qbr, _ = await find_qbr(session, tenant_id, qbr_id)
    return await look_beyond(session, tenant, qbr.period, at)


def changed_beyond(told: Sequence[Section], beyond: Beyond) -> Iterator[str]:
    """In words, what of it the sections that go out do not have. Pure."""
    by_id = {each.id: each for each in told}
    compliance, incidents = by_id.get(COMPLIANCE), by_id.get(INCIDENTS)
    if compliance is not None and (words := unseen_by(compliance, beyond.assessed_at)) is not None:
        yield words
    if incidents is not None:
        there = {row.id for table in incidents.tables if table.id == MAJOR for row in table.rows}
        if new := len(beyond.major - there):
            yield f"major incidents that came into the register since ({new})"
        told_of = sum(int(each.cell.value or 0) for each in incidents.figures if each.id == UNCLEAR)
        if (more := beyond.unclear - told_of) > 0:
            yield f"what was told of since and is not in the register, and may have been major ({more})"
