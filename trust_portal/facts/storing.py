"""From sound events to stored rows, each once, in one transaction.

Everything is copied into temporary tables first, and from there into its own: the keys with ON
CONFLICT, which is what makes an event exist once, then the rows of the keys that were new.

Two deliveries may carry the same event at the same moment. The second then waits at the key until
the first has committed, and finds it taken like any other. Keys go in by their order, so that no two
deliveries ever wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from trust_portal.errors import Broken
from trust_portal.facts.copying import copy_rows
from trust_portal.facts.events import SliMeasured, UsageRecorded
from trust_portal.facts.incident_touches import insert_incident_touches
from trust_portal.facts.rows import (
    STAGED_FACTS,
    STAGED_KEYS,
    STAGED_MEASUREMENTS,
    STAGED_USAGE,
    Owned,
    fact_row,
    key_row,
    measurement_row,
    usage_row,
)
from trust_portal.facts.usage_batches import insert_usage_batches
from trust_portal.storage.errors import violation
from trust_portal.storage.tenancy import IntakeScope
from trust_portal.storage.unit_of_work import WriteSession

#: Registers the new keys and answers with the others.
_REGISTER: Final = """
    WITH new AS (
        INSERT INTO event_keys (key, digest)
        SELECT key, digest FROM staged_keys ORDER BY key
        ON CONFLICT (key) DO NOTHING
        RETURNING key
    ) SELECT key FROM staged_keys EXCEPT ALL SELECT key FROM new
"""
#: A statement of its own: it sees also what another delivery committed while the first one waited.
_DIGESTS: Final = "SELECT key, digest FROM event_keys WHERE key = ANY($1::uuid[])"
_PREPARE: Final = (
    "SET LOCAL client_min_messages = warning; "
    f"CREATE TEMP TABLE IF NOT EXISTS staged_keys ({STAGED_KEYS}) ON COMMIT DELETE ROWS; "
    f"CREATE TEMP TABLE IF NOT EXISTS staged_measurements ({STAGED_MEASUREMENTS}) ON COMMIT DELETE ROWS; "
    f"CREATE TEMP TABLE IF NOT EXISTS staged_usage ({STAGED_USAGE}) ON COMMIT DELETE ROWS; "
    f"CREATE TEMP TABLE IF NOT EXISTS staged_facts ({STAGED_FACTS}) ON COMMIT DELETE ROWS"
)
#: An act at a door may tell several events in one transaction, one after the other; a delivery stores once.
_EMPTY: Final = "; ".join(f"DELETE FROM staged_{name}" for name in ("keys", "measurements", "usage", "facts"))  # noqa: S608 - constants
#: Events of one chunk come a microsecond after another, in their order: of several corrections of one
#: event the last received counts, also when they came together.
_RECEIVED_AT: Final = "$1::timestamptz + (row_number() OVER (ORDER BY ctid) - 1) * interval '1 microsecond'"
# No ON CONFLICT, which would cost a second look-up per row: the keys are new, so the rows are.
_STATEMENTS: Final = {
    "staged_measurements": """
        WITH stored AS (
            INSERT INTO measurements (tenant_id, objective, minute, event_key, total, good, bounds, counts,
                                      source, event_id, correction_of, extras, received_at)
            SELECT tenant_id, objective, minute, event_key, total, nullif(good, -1), bounds, counts,
                   source, event_id, correction_of, extras::jsonb, {received_at}
            FROM staged_measurements
            RETURNING 1
        ) SELECT count(*) FROM stored
    """,
    "staged_usage": """
        WITH stored AS (
            INSERT INTO usage (tenant_id, event_key, subsystem, time, resource, operation, region, adapter,
                               quantity, unit, cost, currency, labels, source, event_id, correction_of,
                               corrects, extras, received_at)
            SELECT tenant_id, event_key, subsystem, time, resource, operation, region, adapter,
                   quantity::numeric, unit, cost::numeric, currency, labels::jsonb, source, event_id,
                   correction_of, corrects, extras::jsonb, {received_at}
            FROM staged_usage
            RETURNING 1
        ) SELECT count(*) FROM stored
    """,
    "staged_facts": """
        WITH stored AS (
            INSERT INTO facts (tenant_id, event_key, type, time, subject, tenants, bounds, source, event_id,
                               body, digest, received_at)
            SELECT tenant_id, event_key, type, coalesce(time, $1), subject, tenants, bounds, source, event_id,
                   body::jsonb, digest, {received_at}
            FROM staged_facts
            RETURNING 1
        ) SELECT count(*) FROM stored
    """,
}
_STORE: Final = {
    table: statement.format(received_at=_RECEIVED_AT) for table, statement in _STATEMENTS.items()
}


class Staged(msgspec.Struct, frozen=True):
    """A chunk made ready for the database.

    ``first`` is the one of each key that will be stored; ``rows`` are the rows of all of those by
    temporary table and key, made while the database is still busy with the chunk before.
    """

    owned: Sequence[Owned]
    first: Mapping[bytes, Owned]
    rows: Mapping[str, Mapping[bytes, bytes]]


def stage(owned: Sequence[Owned]) -> Staged:
    """Of events with one key, the first stands for all."""
    first: dict[bytes, Owned] = {}
    rows: dict[str, dict[bytes, bytes]] = {table: {} for table in _STORE}
    measured, used, others = rows.values()
    for each in owned:
        key = each.read.key
        if key in first:
            continue
        first[key] = each
        event = each.read.event
        if isinstance(event, SliMeasured):
            measured[key] = measurement_row(each, event)
        elif isinstance(event, UsageRecorded):
            used[key] = usage_row(each, event)
        else:
            others[key] = fact_row(each, event)
    return Staged(owned, first, rows)


async def store(session: WriteSession, staged: Staged, received_at: datetime) -> Mapping[bytes, bytes]:
    """Stores what is new of ``staged``.

    Returns the first 16 bytes of the digest under which each key was *already* known; a key that is
    not there was new. Raises ``Broken`` where a row is there and its key is not.
    """
    connection = await session.driver()
    name = _naming(session)
    await connection.execute(name(_PREPARE))
    if not isinstance(session.scope, IntakeScope):
        await connection.execute(name(_EMPTY))
    known = await _register(connection, name, staged.first.values())
    new = [each for key, each in staged.first.items() if key not in known] if known else staged.first.values()
    for table, rows in staged.rows.items():
        wanted = [made for key, made in rows.items() if key not in known] if known else list(rows.values())
        if wanted:
            await _store_rows(connection, name, table, wanted, received_at)
    await insert_usage_batches(connection, new, received_at)
    others = [staged.first[key] for key in staged.rows["staged_facts"] if key not in known]
    await insert_incident_touches(session, others, received_at)
    return known


def _naming(session: WriteSession) -> Callable[[str], str]:
    """Temporary tables belong to the role that made them, and a connection serves one role after another:
    what people tell at the portal (in the vendor's own scope) has tables of its own.
    """
    if isinstance(session.scope, IntakeScope):
        return str
    return lambda statement: statement.replace("staged_", "told_")


async def _register(
    connection: asyncpg.Connection[Any], name: Callable[[str], str], events: Collection[Owned]
) -> dict[bytes, bytes]:
    """Registers the keys that are new; the digests of the others by key."""
    rows = [key_row(each.read) for each in events]
    await copy_rows(connection, name("staged_keys"), rows, schema="pg_temp")
    taken = [row["key"] for row in await connection.fetch(name(_REGISTER))]
    if not taken:
        return {}
    found = await connection.fetch(_DIGESTS, taken)
    return {row["key"].bytes: row["digest"].bytes for row in found}


async def _store_rows(
    connection: asyncpg.Connection[Any],
    name: Callable[[str], str],
    table: str,
    rows: Sequence[bytes],
    received_at: datetime,
) -> None:
    await copy_rows(connection, name(table), rows, schema="pg_temp")
    try:
        stored = await connection.fetchval(name(_STORE[table]), received_at)
    except asyncpg.IntegrityConstraintViolationError as error:
        found = violation(error)
        if found is None or not found.duplicate:
            raise
        # Only a registry that was restored without its rows' keys can bring this about.
        raise Broken(
            f"{found.table} has an event that event_keys does not know; were they restored from "
            "different moments? Restore both from one backup",
            code="EVENT_KEYS_INCOMPLETE",
        ) from error
    if stored != len(rows):
        raise Broken(f"{stored} of {len(rows)} rows of {table} were stored")
