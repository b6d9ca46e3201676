"""What was saved: by playbooks whose effect was verified in the data, in the first day of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trust_portal.cost.remediation.model import Run
from trust_portal.cost.remediation.repository import runs_between
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.gathering.savings import REACHES, savings_table
from trust_portal.trust.gathering.totals import savings_totals
from trust_portal.trust.qbr.ids import SAVINGS
from trust_portal.trust.sections.model import Cell, Figure, Section, Sentence, State, Unit

TITLE: Final = "Savings"
SOURCE: Final = "verified playbooks"
MAX_AGE: Final = timedelta(days=1)

_PAGE: Final = "/cost/playbooks"


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Playbooks that stand verified, of which a step or an hour of the first day lies in the period."""
    runs = await runs_between(session, ask.tenant.id, ask.period.start - REACHES, ask.until)
    return savings_section(runs, ask)


def savings_section(runs: Sequence[Run], ask: Ask) -> Section:
    """Pure."""
    table = savings_table(runs, ask)
    saved = savings_totals(table)
    amounts = " and ".join(f"{{{each.id}}}" for each in saved)
    verified = Figure("verified", "Verified playbooks", Cell(str(len(table.rows)), Unit.COUNT, href=_PAGE))
    return Section(
        id=SAVINGS,
        title=TITLE,
        state=State.FRESH,
        source=SOURCE,
        as_of=ask.now,
        max_age=MAX_AGE,
        sentences=(
            Sentence(
                f"Verified playbooks: {{verified}}; at their verified rates they saved {amounts}. Counted is the "
                "first day of each, as far as it lies in the period: nobody knows how long it would have gone on."
            )
            if saved
            else Sentence("No playbook of the period stands verified in the data, so no saving is claimed."),
        ),
        figures=(verified, *saved),
        tables=(table,),
    )
