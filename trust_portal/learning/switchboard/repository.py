"""What the Switchboard adds up, read in a few statements; and the views that people keep."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import ENDS_AS, ActionState
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import LOOK_BACK, Lines
from trust_portal.learning.switchboard.coverage import MajorIncident, Undeclared, owes_its_own
from trust_portal.learning.switchboard.model import ActionLine, DateSet, PostmortemLine, SavedView, Whose
from trust_portal.learning.switchboard.tables import switchboard_views
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

#: Owed at any time since $2, or agreed for a day since $3. Which these are is found out before anything else of
#: them is read: of all that were ever planned they are few.
_ACTIONS: Final = """
WITH wanted AS MATERIALIZED (
    SELECT a.id, b.due, b.at AS begun_at, e.act, e.at AS ended_at
    FROM prevention_actions a
    LEFT JOIN prevention_action_steps b ON b.tenant_id = $1 AND b.action_id = a.id AND b.act = 'begin'
    LEFT JOIN prevention_action_steps e
      ON e.tenant_id = $1 AND e.action_id = a.id AND e.act IN ('finish', 'drop', 'supersede', 'withdraw')
    WHERE a.tenant_id = $1 AND (e.at IS NULL OR e.at > $2 OR b.due >= $3)
)
SELECT a.id, a.title, a.incident_id, i.worst_severity, i.service, i.team, p.name, a.owner_id, a.created_at,
       a.time_zone, w.due, w.begun_at, w.act, w.ended_at
FROM wanted w
JOIN prevention_actions a ON a.tenant_id = $1 AND a.id = w.id
JOIN incidents i ON i.tenant_id = $1 AND i.id = a.incident_id
JOIN people p ON p.tenant_id = $1 AND p.id = a.owner_id
"""
_MOVES: Final = """
SELECT action_id, due, at FROM prevention_action_steps
WHERE tenant_id = $1 AND act = 'move' AND action_id = ANY($2::uuid[]) ORDER BY action_id, ordinal
"""
#: Without those signed by $2, if nothing was ever merged into them; all of them where that is null.
_MAJORS: Final = """
WITH signed AS (
    SELECT postmortem_id, min(signed_at) AS first_at, max(signed_at) AS last_at FROM postmortem_versions
    WHERE tenant_id = $1 GROUP BY postmortem_id
)
SELECT i.id, i.title, i.service, i.team, coalesce(p.name, i.owner), p.id, i.severity, i.worst_severity,
       i.declared_at, i.merged_into, m.id, m.opened_at, s.first_at, s.last_at, i.last_fact_at
FROM incidents i
LEFT JOIN postmortems m ON m.tenant_id = $1 AND m.incident_id = i.id
LEFT JOIN people p ON p.tenant_id = $1 AND p.id = coalesce(m.owner_person_id, i.owner_person_id)
LEFT JOIN signed s ON s.postmortem_id = m.id
WHERE i.tenant_id = $1 AND i.worst_severity IN ('P1', 'P2')
  AND ($2::timestamptz IS NULL OR s.first_at IS NULL OR s.first_at > $2 OR i.merged_into IS NOT NULL
       OR i.id IN (SELECT merged_into FROM incidents WHERE tenant_id = $1 AND merged_into IS NOT NULL))
ORDER BY i.declared_at, i.id
"""
_MAJORS_EVER: Final = """
SELECT count(*) FROM incidents WHERE tenant_id = $1 AND worst_severity IN ('P1', 'P2')
"""
#: What names no severity may have been a P1.
_UNDECLARED: Final = """
SELECT source, key, worst_severity, first_at FROM incident_gaps
WHERE tenant_id = $1 AND (worst_severity IS NULL OR worst_severity IN ('P1', 'P2'))
"""


_SEVERITIES: Final = {each.value: each for each in Severity}
_STATES: Final = {None: ActionState.OPEN} | {act.value: state for act, state in ENDS_AS.items()}


async def read_lines(session: ReadSession, at: datetime, *, every_major: bool) -> Lines:
    """Everything that ``board`` needs for ``at``; ``every_major``: also those that were signed long before."""
    since = at - LOOK_BACK
    driver = await session.driver()
    actions = await driver.fetch(_ACTIONS, VENDOR_ID, since, since.date())
    moves: dict[UUID, list[tuple[date, datetime]]] = defaultdict(list)
    for action_id, due, moved_at in await driver.fetch(_MOVES, VENDOR_ID, [row[0] for row in actions]):
        moves[action_id].append((due, moved_at))
    rows = await driver.fetch(_MAJORS, VENDOR_ID, None if every_major else since)
    ever = await driver.fetchval(_MAJORS_EVER, VENDOR_ID)
    majors = {row[0]: _major(row) for row in rows}
    undeclared = await driver.fetch(_UNDECLARED, VENDOR_ID)
    return Lines(
        actions=[_action(row, moves.get(row[0], [])) for row in actions],
        postmortems=[
            _postmortem(row)
            for row in rows
            if (row[12] is None or row[12] > since) and owes_its_own(majors[row[0]], majors)
        ],
        majors=list(majors.values()),
        undeclared=[
            Undeclared(source, key, None if severity is None else _SEVERITIES[severity], first_at)
            for source, key, severity, first_at in undeclared
        ],
        signed_before=ever - len(rows),
    )


async def views_of(session: ReadSession, person_id: UUID) -> tuple[SavedView, ...]:
    """By name."""
    columns = switchboard_views.c
    rows = await session.execute(
        select(columns.name, columns.query)
        .where(columns.tenant_id == VENDOR_ID, columns.person_id == person_id)
        .order_by(columns.name)
    )
    return tuple(SavedView(row.name, row.query) for row in rows)


async def keep_view(session: WriteSession, person_id: UUID, view: SavedView) -> None:
    """One of the same name takes the other's place."""
    values = {
        "tenant_id": VENDOR_ID,
        "person_id": person_id,
        "name": view.name,
        "query": view.query,
        "saved_at": session.clock.now(),
    }
    statement = insert(switchboard_views).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "person_id", "name"],
            set_={"query": statement.excluded.query, "saved_at": statement.excluded.saved_at},
        )
    )


async def forget_view(session: WriteSession, person_id: UUID, name: str) -> None:
    columns = switchboard_views.c
    await session.execute(
        delete(switchboard_views).where(
            columns.tenant_id == VENDOR_ID, columns.person_id == person_id, columns.name == name
        )
    )


@lru_cache(maxsize=4096)
def _over(time_zone: str, due: date) -> datetime:
    return WorkCalendar(time_zone=time_zone).end_of(due)


@lru_cache(maxsize=16_384)
def _whose(severity: str, service: str, team: str | None, owner: str, owner_id: UUID | None) -> Whose:
    return Whose(_SEVERITIES[severity], service, team, owner, owner_id)


def _action(row: Any, moves: list[tuple[date, datetime]]) -> ActionLine:
    id_, title, incident_id, severity, service, team, owner, owner_id, created_at, zone, *steps = row
    due, begun_at, ended_by, ended_at = steps
    dates = [] if due is None else [DateSet(begun_at, due, _over(zone, due))]
    dates += [DateSet(moved_at, day, _over(zone, day)) for day, moved_at in moves]
    return ActionLine(
        id=id_,
        title=title,
        incident_id=incident_id,
        whose=_whose(severity, service, team, owner, owner_id),
        created_at=created_at,
        dates=tuple(dates),
        state=_STATES[ended_by],
        ended_at=ended_at,
    )


def _postmortem(row: Any) -> PostmortemLine:
    id_, title, service, team, owner, owner_id, _, worst, declared_at, _, *postmortem = row
    postmortem_id, opened_at, signed_at, _, _ = postmortem
    return PostmortemLine(
        incident_id=id_,
        postmortem_id=postmortem_id,
        title=title,
        whose=_whose(worst, service, team, owner, owner_id),
        declared_at=declared_at,
        opened_at=opened_at,
        signed_at=signed_at,
    )


def _major(row: Any) -> MajorIncident:
    id_, title, service, _, owner, _, severity, worst, declared_at, merged, *postmortem = row
    postmortem_id, _, _, signed_at, last_fact_at = postmortem
    return MajorIncident(
        id=id_,
        title=title,
        service=service,
        owner=owner,
        severity=_SEVERITIES[severity],
        worst_severity=_SEVERITIES[worst],
        declared_at=declared_at,
        last_fact_at=last_fact_at,
        merged_into=merged,
        postmortem_id=postmortem_id,
        signed_at=signed_at,
    )
