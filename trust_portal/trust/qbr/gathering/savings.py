"""What was saved: by playbooks whose effect was verified in the data, in the first day of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trust_portal.cost.metering.repository import find_progress
from trust_portal.cost.remediation.model import Run
from trust_portal.cost.remediation.repository import runs_between
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.savings import REACHES, savings_table
from trust_portal.trust.qbr.gathering.known_usage import usage_stands, waiting_usage
from trust_portal.trust.qbr.gathering.telling import saving_sentences, saving_totals
from trust_portal.trust.qbr.ids import SAVINGS
from trust_portal.trust.sections.freshness import together
from trust_portal.trust.sections.model import Section, State

TITLE: Final = "Savings"
SOURCE: Final = "verified playbooks"
MAX_AGE: Final = timedelta(days=1)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Playbooks that stand verified, of which a step or an hour of the first day lies in the period."""
    runs = await runs_between(session, ask.tenant.id, ask.period.start - REACHES, ask.until)
    progress = await find_progress(session, ask.tenant.id)
    _, state, why = usage_stands(progress, ask, await waiting_usage(session, ask))
    return savings_section(runs, ask, (state, why))


def savings_section(
    runs: Sequence[Run], ask: Ask, usage: tuple[State, str | None] = (State.FRESH, None)
) -> Section:
    """Pure. It is as the playbooks stand now; where ``usage``, in whose data they are verified, is stale or missing, so is it."""
    state, why = together([(usage[0], f"usage: {usage[1]}")])
    table = savings_table(runs, ask)
    figures = saving_totals(table)
    return Section(
        id=SAVINGS,
        title=TITLE,
        state=state,
        why=why,
        source=SOURCE,
        as_of=ask.now,
        max_age=MAX_AGE,
        sentences=saving_sentences(figures),
        figures=figures,
        tables=(table,),
    )
