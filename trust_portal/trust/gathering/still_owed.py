"""What is still owed of major incidents that were over before a document's period. Pure.

A postmortem that nobody has signed, and an action that nobody has finished, are owed until somebody does: they do not
end with the report of the period in which they were promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.actions.model import PreventionAction
from trust_portal.trust.gathering.ids import EARLIER
from trust_portal.trust.gathering.incident_lines import COVER_WORDS, MajorLine, page_of
from trust_portal.trust.sections.model import Cell, Column, Row, Table, Unit

_COLUMNS: Final = (
    Column("incident", "Incident"),
    Column("severity", "Worst severity"),
    Column("resolved", "Resolved", Unit.INSTANT),
    Column("state", "Postmortem"),
    Column("open", "Actions open", Unit.COUNT),
    Column("overdue", "Overdue", Unit.COUNT),
    Column("due", "Next due", Unit.DAY),
)
_NO_DAY: Final = "none"


def earlier_table(lines: Sequence[MajorLine], earlier: Sequence[MajorLine], now: datetime) -> Table:
    """``lines`` are those of the period: what their own tables tell of a postmortem is not told again."""
    return Table(
        EARLIER,
        "Still owed from before the period",
        _COLUMNS,
        tuple(_row(line, still, now) for line, still in _owed(lines, earlier)),
        "Nothing is owed of incidents that were over before the period.",
    )


def _owed(
    lines: Sequence[MajorLine], earlier: Sequence[MajorLine]
) -> Iterator[tuple[MajorLine, tuple[PreventionAction, ...]]]:
    """Each with its actions that are open."""
    told = {line.postmortem.id for line in lines if line.postmortem is not None}
    for line in earlier:
        still: tuple[PreventionAction, ...] = ()
        if line.postmortem is not None and line.postmortem.id not in told:
            told.add(line.postmortem.id)
            still = tuple(each for each in line.actions if each.is_open)
        if line.cover.is_gap or still:
            yield line, still


def _row(line: MajorLine, still: Sequence[PreventionAction], now: datetime) -> Row:
    each, href = line.incident, page_of(line.incident)
    unknown = line.postmortem is None
    due = min((action.due for action in still if action.due is not None), default=None)

    def count(number: int) -> Cell:
        return Cell(None if unknown else str(number), Unit.COUNT, href=href)

    return Row(
        str(each.shown_id),
        (
            Cell(each.title, href=href),
            Cell(each.worst_severity.value),
            Cell(None if each.resolved_at is None else rfc3339(each.resolved_at), Unit.INSTANT, href=href),
            Cell(COVER_WORDS.get(line.cover, line.cover.value)),
            count(len(still)),
            count(sum(action.is_overdue(now) for action in still)),
            Cell(_NO_DAY) if due is None and not unknown else _day(due, href),
        ),
    )


def _day(at: date | None, href: str) -> Cell:
    return Cell(None if at is None else at.isoformat(), Unit.DAY, href=href)
