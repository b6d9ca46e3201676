"""What the Switchboard adds up, read in a few statements.

Of actions that have ended nobody reads one by one: they come counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import ActionState
from trust_portal.learning.incidents.model import Severity
from trust_portal.learning.switchboard.board import LOOK_BACK, Lines, past_moments
from trust_portal.learning.switchboard.coverage import (
    Cover,
    Ledger,
    MajorIncident,
    Undeclared,
    ledger,
    owed_again_at,
    owes_its_own,
)
from trust_portal.learning.switchboard.model import (
    ActionLine,
    AgreedDay,
    BoardFilter,
    DateSet,
    Grouping,
    Outdated,
    PostmortemLine,
    Span,
    Whose,
    outdated_for,
)
from trust_portal.learning.workplaces.calendar import WorkCalendar
from trust_portal.storage.unit_of_work import ReadSession

#: What ``BoardFilter.keeps`` lets through, from $3 on. A null keeps everything.
_KEPT: Final = """
($3::text IS NULL OR i.service = $3) AND ($4::text IS NULL OR coalesce(i.team, '') = $4)
AND ($5::text IS NULL OR s.owner_id::text = $5) AND ($6::text IS NULL OR i.worst_severity = $6)
"""
#: What is open, planned by $2. Of its due dates the one that stands: those before it are in ``_SPANS``.
_OPEN: Final = f"""
SELECT s.action_id, s.title, s.incident_id, i.worst_severity, i.service, i.team, p.name, s.owner_id, s.created_at,
       coalesce(s.time_zones[cardinality(s.dues)], s.time_zone), s.dues[cardinality(s.dues)], s.dated_at[cardinality(s.dues)],
       s.moves_before + greatest(cardinality(s.dues) - 1, 0)
FROM prevention_standings s
JOIN incidents i ON i.tenant_id = $1 AND i.id = s.incident_id
JOIN people p ON p.tenant_id = $1 AND p.id = s.owner_id
WHERE s.tenant_id = $1 AND s.ended_at IS NULL AND s.created_at <= $2 AND {_KEPT}
"""  # noqa: S608 - constants
#: Of what is open, or ended since the first of the moments $2. One row of ``spans`` for each due date an action had,
#: and one for the time before; those that are alike are counted together. Time zones are left to the one calendar
#: that there is.
_SPANS: Final = f"""
WITH spans AS (
    SELECT i.worst_severity, coalesce(s.time_zones[n], s.time_zone) AS time_zone, s.dues[n] AS due, s.moves_before + greatest(n - 1, 0) AS moves,
           width_bucket(CASE n WHEN 0 THEN s.created_at ELSE s.dated_at[n] END - interval '1 microsecond',
                        $2::timestamptz[]) AS first,
           width_bucket(coalesce(s.dated_at[n + 1], s.ended_at, 'infinity') - interval '1 microsecond',
                        $2::timestamptz[]) AS last
    FROM prevention_standings s
    JOIN incidents i ON i.tenant_id = $1 AND i.id = s.incident_id
    CROSS JOIN generate_series(0, cardinality(s.dues)) n
    WHERE s.tenant_id = $1 AND (s.ended_at IS NULL OR s.ended_at > ($2::timestamptz[])[1]) AND {_KEPT}
)
SELECT worst_severity, time_zone, due, moves, first, last, count(*) FROM spans WHERE first < last
GROUP BY worst_severity, time_zone, due, moves, first, last
"""  # noqa: S608 - constants
#: Agreed for a day since $2.
_AGREED: Final = f"""
SELECT s.agreed, s.agreed_zone, count(*), coalesce(array_agg(s.ended_at) FILTER (WHERE s.act = 'finish'), '{{}}')
FROM prevention_standings s
JOIN incidents i ON i.tenant_id = $1 AND i.id = s.incident_id
WHERE s.tenant_id = $1 AND s.agreed >= $2 AND s.act NOT IN ('supersede', 'withdraw') AND {_KEPT}
GROUP BY s.agreed, s.agreed_zone
"""  # noqa: S608 - constants
#: To whom what is open belongs, and what has ended since $2: whatever the filter, which is chosen from these.
_BELONG: Final = """
WITH found AS MATERIALIZED (
    SELECT i.service, i.team, i.worst_severity, s.owner_id
    FROM prevention_standings s
    JOIN incidents i ON i.tenant_id = $1 AND i.id = s.incident_id
    WHERE s.tenant_id = $1 AND (s.ended_at IS NULL OR s.ended_at > $2)
    GROUP BY i.service, i.team, i.worst_severity, s.owner_id
)
SELECT 'service', service, service FROM found GROUP BY service
UNION ALL SELECT 'team', team, team FROM found WHERE team <> '' GROUP BY team
UNION ALL SELECT 'severity', worst_severity, worst_severity FROM found GROUP BY worst_severity
UNION ALL SELECT 'owner', o.owner_id::text, p.name
FROM (SELECT owner_id FROM found GROUP BY owner_id) o JOIN people p ON p.tenant_id = $1 AND p.id = o.owner_id
"""
#: Without those signed by $2, and not anew since, if nothing was ever merged into them or told since; all of them where
#: that is null. The versions after the first, of which there are few, come as arrays.
_MAJORS: Final = """
SELECT i.id, i.title, i.service, i.team, coalesce(p.name, i.owner), p.id, i.severity, i.worst_severity,
       i.declared_at, i.merged_into, m.id, m.opened_at, s.signed_at, coalesce(f.snapshot_at, s.signed_at),
       l.signed, l.frozen,
       CASE WHEN i.changed_at > f.snapshot_at OR i.merged_into IS NOT NULL THEN i.changes END, i.changed_at,
       i.merged_at, i.unmerged_at
FROM incidents i
LEFT JOIN postmortems m ON m.tenant_id = $1 AND m.incident_id = i.id
LEFT JOIN postmortem_versions s ON s.tenant_id = $1 AND s.postmortem_id = m.id AND s.version = 1
LEFT JOIN postmortem_submissions f ON f.tenant_id = $1 AND f.postmortem_id = m.id AND f.ordinal = s.submitted
LEFT JOIN (SELECT v.postmortem_id, array_agg(v.signed_at ORDER BY v.version) AS signed,
                  array_agg(g.snapshot_at ORDER BY v.version) AS frozen,
                  max(v.signed_at) AS signed_at, max(g.snapshot_at) AS frozen_at
           FROM postmortem_versions v
           JOIN postmortem_submissions g ON g.tenant_id = $1 AND g.postmortem_id = v.postmortem_id
             AND g.ordinal = v.submitted
           WHERE v.tenant_id = $1 AND v.version > 1 GROUP BY v.postmortem_id) l ON l.postmortem_id = m.id
LEFT JOIN people p ON p.tenant_id = $1 AND p.id = i.owner_person_id
WHERE i.tenant_id = $1 AND i.worst_severity IN ('P1', 'P2')
  AND ($2::timestamptz IS NULL OR s.signed_at IS NULL OR s.signed_at > $2 OR i.merged_into IS NOT NULL
       OR l.signed_at > $2 OR i.changed_at > coalesce(l.frozen_at, f.snapshot_at)
       OR i.id IN (SELECT merged_into FROM incidents WHERE tenant_id = $1 AND merged_into IS NOT NULL))
ORDER BY i.declared_at, i.id
"""
#: Those that ``BoardFilter.keeps``, from $2 on.
_MAJORS_EVER: Final = """
SELECT count(*) FROM incidents i
LEFT JOIN people p ON p.tenant_id = $1 AND p.id = i.owner_person_id
WHERE i.tenant_id = $1 AND i.worst_severity IN ('P1', 'P2')
  AND ($2::text IS NULL OR i.service = $2) AND ($3::text IS NULL OR coalesce(i.team, '') = $3)
  AND ($4::text IS NULL OR coalesce(p.id::text, i.owner) = $4) AND ($5::text IS NULL OR i.worst_severity = $5)
"""
#: What names no severity may have been a P1, also beside what names a P2; so may what was told and is not taken in yet, whatever it names.
#: An alarm is no gap where the incident that went on by its name when it came is as bad at least. What was told of that
#: name afterwards changes nothing: a pager goes by one key for all that ever goes wrong in one place.
_UNDECLARED: Final = """
SELECT source, key, worst_severity, first_at, NULL::timestamptz, 'undeclared' FROM incident_gaps
WHERE tenant_id = $1 AND (worst_severity IS NULL OR worst_severity IN ('P1', 'P2'))
UNION ALL
SELECT u.source, u.key,
       CASE WHEN bool_or(u.severity IS NULL) THEN nullif(min(u.severity), 'P2') ELSE min(u.severity) END,
       min(u.received_at), min(u.began_at), 'unmatched' FROM incident_unmatched u
WHERE u.tenant_id = $1 AND (u.severity IS NULL OR u.severity IN ('P1', 'P2'))
  AND NOT EXISTS (SELECT FROM incident_unmatched_settled s
                  WHERE s.tenant_id = $1 AND s.source = u.source AND s.alarm_id = u.alarm_id)
  AND NOT EXISTS (SELECT FROM incidents i WHERE i.tenant_id = $1 AND i.id = u.incident_id
                  AND i.worst_severity <= coalesce(u.severity, 'P1'))
GROUP BY u.source, u.key
UNION ALL
SELECT r.source, r.why, NULL, r.first_at, NULL, 'refused' FROM incident_refusals r
WHERE r.tenant_id = $1 AND r.version = (SELECT max(version) FROM incident_integrations v
                                        WHERE v.tenant_id = $1 AND v.source = r.source)
UNION ALL
SELECT NULL, key, NULL, min(t.received_at), NULL, 'waiting' FROM incident_touches t CROSS JOIN unnest(t.keys) key
GROUP BY key
"""


#: What a filter asks for decides the way to the rows. After five times PostgreSQL would plan for any filter at all,
#: takes ``$3 IS NULL OR …`` for rare, and loops over everything.
_PLANNED_ANEW: Final = "SET LOCAL plan_cache_mode = force_custom_plan"
_SEVERITIES: Final = {each.value: each for each in Severity}
_COVERS: Final = {each.value: each for each in Cover}
_GROUPINGS: Final = {each.value: each for each in Grouping}


async def read_ledger(session: ReadSession) -> Ledger:
    """The coverage ledger, with every line."""
    driver = await session.driver()
    majors = [_major(row) for row in await driver.fetch(_MAJORS, VENDOR_ID, None)]
    return ledger(majors, await _undeclared(driver))


async def read_lines(session: ReadSession, at: datetime, wanted: BoardFilter) -> Lines:
    """What ``board`` needs for ``at`` and ``wanted``."""
    since, moments = at - LOOK_BACK, past_moments(at)
    kept = (
        wanted.service,
        wanted.team,
        wanted.owner,
        None if wanted.severity is None else wanted.severity.value,
    )
    driver = await session.driver()
    await driver.execute(_PLANNED_ANEW)
    actions = await driver.fetch(_OPEN, VENDOR_ID, at, *kept)
    spans = await driver.fetch(_SPANS, VENDOR_ID, moments, *kept)
    agreed = await driver.fetch(_AGREED, VENDOR_ID, since.date(), *kept)
    belong = await driver.fetch(_BELONG, VENDOR_ID, since)
    rows = await driver.fetch(_MAJORS, VENDOR_ID, since)
    ever = await driver.fetchval(_MAJORS_EVER, VENDOR_ID, *kept)
    majors = {row[0]: _major(row) for row in rows}
    return Lines(
        actions=[_action(row) for row in actions],
        postmortems=[
            line
            for row in rows
            if owes_its_own(majors[row[0]], majors) and (line := _postmortem(row, majors)).owed_after(since)
        ],
        majors=list(majors.values()),
        undeclared=await _undeclared(driver),
        signed_before=ever - sum(wanted.keeps(each.whose) for each in majors.values()),
        spans=[
            Span(_SEVERITIES[severity], first, last, moves, None if due is None else _over(zone, due), count)
            for severity, zone, due, moves, first, last, count in spans
        ],
        agreed=[AgreedDay(_over(zone, due), count, tuple(done)) for due, zone, count, done in agreed],
        belong=[(_GROUPINGS[by], key, name) for by, key, name in belong],
    )


async def untaken(session: ReadSession) -> tuple[datetime, ...]:
    """When each was that the ledger counts as what may have been a P1, and no incident has: by the time that was told
    of it, and of deliveries that were turned away by when they were.

    What the register is yet to take in is not among them: it has a time of its own to do so. Nor is what did not prove
    itself: no stranger writes into what customers are told.
    """
    found = await _undeclared(await session.driver())
    return tuple(each.about_at for each in found if each.is_proved and each.cover is not Cover.WAITING)


async def _undeclared(driver: Any) -> list[Undeclared]:
    return [
        Undeclared(source, key, _SEVERITIES.get(severity), first_at, _COVERS[cover], began_at)
        for source, key, severity, first_at, began_at, cover in await driver.fetch(_UNDECLARED, VENDOR_ID)
    ]


@lru_cache(maxsize=4096)
def _over(time_zone: str, due: date) -> datetime:
    return WorkCalendar(time_zone=time_zone).end_of(due)


@lru_cache(maxsize=16_384)
def _whose(severity: str, service: str, team: str | None, owner: str, owner_id: UUID | None) -> Whose:
    return Whose(_SEVERITIES[severity], service, team, owner, owner_id)


def _action(row: Any) -> ActionLine:
    (
        id_,
        title,
        incident_id,
        severity,
        service,
        team,
        owner,
        owner_id,
        created_at,
        zone,
        due,
        dated_at,
        before,
    ) = row
    dates = () if due is None else (DateSet(dated_at, due, _over(zone, due)),)
    whose = _whose(severity, service, team, owner, owner_id)
    return ActionLine(id_, title, incident_id, whose, created_at, dates, ActionState.OPEN, None, before)


def _postmortem(row: Any, majors: Mapping[UUID, MajorIncident]) -> PostmortemLine:
    id_, title, service, team, owner, owner_id, _, worst, declared_at, _, *postmortem = row
    postmortem_id, opened_at, signed_at, frozen_at, signed_anew, frozen_anew, changes, *_ = postmortem
    outdated: tuple[Outdated, ...] = ()
    if signed_at is not None and changes is not None:  # not all may be in its first version
        anew = zip(signed_anew or (), frozen_anew or (), strict=True)
        outdated = outdated_for([(signed_at, frozen_at), *anew], changes)
    return PostmortemLine(
        incident_id=id_,
        postmortem_id=postmortem_id,
        title=title,
        whose=_whose(worst, service, team, owner, owner_id),
        declared_at=declared_at,
        opened_at=opened_at,
        signed_at=signed_at,
        outdated=outdated,
        again_at=owed_again_at(majors[id_], majors),
        parted=majors[id_].unmerged_at is not None,
    )


def _major(row: Any) -> MajorIncident:
    id_, title, service, team, owner, owner_id, severity, worst, declared_at, merged, *postmortem = row
    postmortem_id, _, signed_at, frozen_at, signed_anew, frozen_anew, *told = postmortem
    changes, changed_at, merged_at, unmerged_at = told
    return MajorIncident(
        id=id_,
        title=title,
        service=service,
        owner=owner,
        severity=_SEVERITIES[severity],
        worst_severity=_SEVERITIES[worst],
        declared_at=declared_at,
        changes=changes or (changed_at,),
        merged_into=merged,
        merged_at=merged_at,
        unmerged_at=unmerged_at,
        postmortem_id=postmortem_id,
        signed_at=signed_anew[-1] if signed_anew else signed_at,
        frozen_at=frozen_anew[-1] if frozen_anew else frozen_at,
        team=team,
        owner_id=owner_id,
    )
