"""Where each prevention action stands: what its steps come to, in one row, for whoever counts thousands of them.

The steps are what was decided. A standing follows from them alone (``DERIVED``) and is written in the transaction
of the step it is of; a key of the table binds it to that step.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import insert, update

from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import ENDS_AS, PreventionAction
from trust_portal.learning.actions.tables import prevention_standings
from trust_portal.storage.unit_of_work import WriteSession

COLUMNS: Final = (
    "tenant_id, action_id, incident_id, title, owner_id, time_zone, created_at, agreed_before, moves_before, dues, "
    "dated_at, time_zones, ordinal, act, ended_at"
)
#: The rows of ``prevention_standings`` as the steps of the tenant $1 give them, ``COLUMNS`` by column.
DERIVED: Final = """
SELECT a.tenant_id, a.id AS action_id, a.incident_id, a.title, a.owner_id, a.time_zone, a.created_at,
       a.agreed_before, a.moves_before, coalesce(s.dues, '{}') AS dues, coalesce(s.dated_at, '{}') AS dated_at, coalesce(s.time_zones, '{}') AS time_zones,
       s.ordinal, s.act, s.ended_at
FROM prevention_actions a
LEFT JOIN (
    SELECT action_id, array_agg(due ORDER BY ordinal) FILTER (WHERE due IS NOT NULL) AS dues,
           array_agg(at ORDER BY ordinal) FILTER (WHERE due IS NOT NULL) AS dated_at,
           array_agg(time_zone ORDER BY ordinal) FILTER (WHERE due IS NOT NULL) AS time_zones, max(ordinal) AS ordinal,
           (array_agg(act ORDER BY ordinal DESC))[1] AS act,
           max(at) FILTER (WHERE act IN ('finish', 'drop', 'supersede', 'withdraw')) AS ended_at
    FROM prevention_action_steps WHERE tenant_id = $1 GROUP BY action_id
) s ON s.action_id = a.id
WHERE a.tenant_id = $1
"""
# A step changes its standing in its own transaction, so whoever holds these holds every step back.
_HOLD: Final = "SELECT FROM prevention_standings WHERE tenant_id = $1 ORDER BY action_id FOR UPDATE"
_AGAIN: Final = f"""
WITH made AS ({DERIVED}),
mended AS (
    UPDATE prevention_standings p
    SET dues = m.dues, dated_at = m.dated_at, time_zones = m.time_zones, ordinal = m.ordinal, act = m.act, ended_at = m.ended_at
    FROM made m
    WHERE p.tenant_id = $1 AND p.action_id = m.action_id
      AND (p.dues, p.dated_at, p.time_zones, p.ordinal, p.act, p.ended_at)
          IS DISTINCT FROM (m.dues, m.dated_at, m.time_zones, m.ordinal, m.act, m.ended_at)
    RETURNING p.action_id
),
missing AS (
    INSERT INTO prevention_standings (
        tenant_id, action_id, incident_id, title, owner_id, time_zone, created_at, agreed_before, moves_before,
        dues, dated_at, time_zones, ordinal, act, ended_at
    )
    SELECT {COLUMNS} FROM made m
    WHERE NOT EXISTS (
        SELECT FROM prevention_standings p WHERE p.tenant_id = $1 AND p.action_id = m.action_id
    )
    RETURNING action_id
)
SELECT action_id FROM mended UNION ALL SELECT action_id FROM missing
"""  # noqa: S608 - constants of this module


async def derive_standings(session: WriteSession) -> int:
    """Make every standing again from the steps; how many came out otherwise."""
    driver = await session.driver()
    await driver.execute(_HOLD, VENDOR_ID)
    return len(await driver.fetch(_AGAIN, VENDOR_ID))


async def add_standing(session: WriteSession, action: PreventionAction) -> None:
    """Of a new action, without steps."""
    await session.execute(
        insert(prevention_standings).values(
            tenant_id=VENDOR_ID,
            action_id=action.id,
            incident_id=action.incident_id,
            title=action.title,
            owner_id=action.owner_id,
            time_zone=action.calendar.time_zone,
            created_at=action.created_at,
            agreed_before=action.agreed_before,
            moves_before=action.moves_before,
            dues=[],
            dated_at=[],
            time_zones=[],
        )
    )


async def change_standing(session: WriteSession, action: PreventionAction) -> None:
    """To that of the last step of ``action``, which was added in this transaction."""
    last, columns = action.steps[-1], prevention_standings.c
    await session.execute(
        update(prevention_standings)
        .where(columns.tenant_id == VENDOR_ID, columns.action_id == action.id)
        .values(
            dues=[due for _, due in action.dates],
            dated_at=[step.at for step, _ in action.dates],
            time_zones=[step.time_zone for step, _ in action.dates],
            ordinal=last.ordinal,
            act=last.act.value,
            ended_at=last.at if last.act in ENDS_AS else None,
        )
    )
