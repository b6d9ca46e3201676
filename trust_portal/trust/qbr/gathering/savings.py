"""What was saved: by playbooks whose effect was verified in the data, in the first day of each.

Nobody can know how long it would have gone on; a rate times the rest of a quarter would be no saving that
anybody could check.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from trust_portal.cost.remediation.model import Run, StepKind
from trust_portal.cost.remediation.repository import runs_between
from trust_portal.kernel.clock import rfc3339
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.cost import verification_of
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.gathering.usage import money
from trust_portal.trust.qbr.ids import SAVINGS
from trust_portal.trust.sections.model import Cell, Column, Figure, Row, Section, Sentence, State, Table, Unit

TITLE: Final = "Savings"
SOURCE: Final = "verified playbooks"
MAX_AGE: Final = timedelta(days=1)

#: Hours of a playbook that count.
MOST_HOURS: Final = 24

_PAGE: Final = "/cost/playbooks"
_COLUMNS: Final = (
    Column("playbook", "Playbook"),
    Column("since", "Since", Unit.INSTANT),
    Column("hours", "Hours counted", Unit.COUNT),
    Column("rate", "Saved an hour, verified", Unit.MONEY),
    Column("saved", "Saved in these", Unit.MONEY),
)


async def gather(session: ReadSession, ask: Ask) -> Section:
    """Playbooks of which a step lies in the period and that stand verified."""
    return savings_section(await runs_between(session, ask.tenant.id, ask.period.start, ask.until), ask)


def savings_section(runs: Sequence[Run], ask: Ask) -> Section:
    """Pure. The verified rate, for the whole hours since the act, at most ``MOST_HOURS``, that lie in the period."""
    verified = [(each, each.saved_per_hour) for each in runs if each.saved_per_hour is not None]
    sums: dict[str, Decimal] = {}
    rows = []
    for each, rate in verified:
        since, currency = _since(each), each.plan.currency
        hours = min(max(int((ask.until - since) / timedelta(hours=1)), 0), MOST_HOURS)
        saved = money(rate * hours, currency)
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(saved.value or 0)
        href, step = f"{_PAGE}/{each.id}", each.step(StepKind.VERIFIED)
        receipt = None if step is None or step.receipt_id is None else str(step.receipt_id)
        rate_cell = money(rate, currency)
        rows.append(
            Row(
                str(each.id),
                (
                    Cell(each.plan.playbook.title, href=href, receipt=receipt),
                    Cell(rfc3339(since), Unit.INSTANT, href=href),
                    Cell(str(hours), Unit.COUNT),
                    Cell(rate_cell.value, Unit.MONEY, currency, href, receipt),
                    Cell(saved.value, Unit.MONEY, currency, href, receipt),
                ),
            )
        )
    figures = [
        Figure("verified", "Verified playbooks", Cell(str(len(verified)), Unit.COUNT, href=_PAGE)),
        *(
            Figure(
                f"saved-{name.lower()}",
                f"Saved in the first day ({name})",
                Cell(f"{sums[name]:f}", Unit.MONEY, name, _PAGE),
            )
            for name in sorted(sums)
        ),
    ]
    amounts = " and ".join(f"{{saved-{name.lower()}}}" for name in sorted(sums))
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
                "first day of each: nobody knows how long it would have gone on."
            )
            if sums
            else Sentence("No playbook of the period stands verified in the data, so no saving is claimed."),
        ),
        figures=tuple(figures),
        tables=(Table("savings", "By playbook", _COLUMNS, tuple(rows), "No saving is claimed."),),
    )


def _since(run: Run) -> datetime:
    """The first hour that shows the effect."""
    return datetime.fromisoformat(verification_of(run)["start"])
