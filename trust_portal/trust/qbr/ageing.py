"""What a section is worth some time after it was gathered. Pure.

A draft waits for its CSM, and its facts grow older meanwhile. The data stay those that were locked; whether they are
still recent enough to be said is judged at the moment at which they are said.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from trust_portal.kernel.actor import SYSTEM
from trust_portal.trust.qbr.ids import USAGE
from trust_portal.trust.qbr.model import Qbr
from trust_portal.trust.sections.freshness import freshness
from trust_portal.trust.sections.model import Section, State


def as_it_stands(section: Section, at: datetime, period_end: datetime) -> Section:
    """``section``, stale where it was fresh and is too old at the moment ``at``.

    What happens after the period can make nothing of its usage older.
    """
    if section.state is not State.FRESH:
        return section
    until = min(at, period_end) if section.id == USAGE else at
    state, why = freshness(section.as_of, section.max_age, until, missing="nothing says of when it is")
    return section if state is State.FRESH else replace(section, state=state, why=why)


def gathers_anew(newest: Qbr, now: datetime, *, spoken: bool) -> bool:
    """Whether the clockwork takes its own draft's place: of a day before (UTC), and nobody has said anything yet. Pure."""
    return is_daily(newest, spoken=spoken) and newest.as_of.date() < now.date()


def is_daily(newest: Qbr, *, spoken: bool) -> bool:
    """Whether the draft is the clockwork's own still. Pure."""
    return newest.issue is None and newest.prepared_by == SYSTEM.name and not spoken
