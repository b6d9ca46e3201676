"""Whether usage of a period is another by now than a draft tells.

Late and corrected usage changes hours that were closed, also of a period that is long over. So what a draft tells of
usage is summed anew, as far as hours were closed then: that more of them were closed since makes no draft wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trust_portal.access.tenants.model import Tenant
from trust_portal.cost.metering.repository import find_progress
from trust_portal.kernel.period import Period
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.cost import MAX_WAIT, NOT_ROLLED_UP
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.known_usage import read_used, waiting_usage
from trust_portal.trust.qbr.gathering.usage import usage_section
from trust_portal.trust.qbr.ids import RECOMMENDATIONS, USAGE
from trust_portal.trust.sections.model import Section, State

#: Said of a draft that has to be gathered anew.
OTHER: Final = "usage of the period, or of the one before it, is another by now"
WAITS: Final = "usage that was received since waits to be rolled up"
_HOUR: Final = timedelta(hours=1)


async def used_since(
    session: ReadSession,
    tenant: Tenant,
    period: Period,
    gathered: datetime,
    sections: Sequence[Section],
    told: Sequence[Section],
    at: datetime,
) -> tuple[str, ...]:
    """``sections`` are those of the draft as it was gathered, ``told`` those that go out: what is told of no usage needs none."""
    locked = next((each for each in sections if each.id == USAGE), None)
    if locked is None or not {USAGE, RECOMMENDATIONS} & {each.id for each in told}:
        return ()
    ask = Ask(tenant, period, gathered)
    progress = await find_progress(session, tenant.id)
    if progress is not None:
        through = None if locked.as_of is None else locked.as_of - _HOUR
        progress = replace(progress, closed_through=through)
    now = usage_section(progress, await read_used(session, ask, progress), ask)
    unused = State.NOT_APPLICABLE
    if (locked.state is unused) is not (now.state is unused):
        return (OTHER,)
    if now.state is not unused and (locked.figures, locked.tables) != (now.figures, now.tables):
        return (OTHER,)
    since = await waiting_usage(session, ask)
    waits = since is not None and at - since > MAX_WAIT and NOT_ROLLED_UP not in (locked.why or "")
    return (WAITS,) if waits else ()
