"""From sound events to stored rows, each once, in one transaction.

The rows are copied into temporary tables, their keys are claimed in ``event_keys``, and only those
whose key was new go on into ``measurements`` and ``facts`` (TENANCY rules 8 and 9).

Two deliveries may carry the same event at the same moment. The second then waits at the key until
the first has committed, inserts nothing, and reads the digest in its *next* statement, which sees
what was committed. Keys are claimed in their own order, so two such deliveries never wait for
each other in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from trust_portal.facts.events import SUBJECT_FIELDS, SliMeasured
from trust_portal.facts.reading import ReadEvent
from trust_portal.facts.rules import bucket_order
from trust_portal.storage.unit_of_work import WriteSession

_STAGED_MEASUREMENT: Final = (
    "event_key bytea, digest bytea, tenant_id uuid, objective text, minute timestamptz, "
    "total bigint, good bigint, bounds text[], counts bigint[], "
    "source text, event_id text, correction_of text, extras text"
)
_STAGED_FACT: Final = (
    "event_key bytea, digest bytea, tenant_id uuid, type text, time timestamptz, subject text, "
    "tenants uuid[], source text, event_id text, correction_of text, body text"
)
_PREPARE: Final = (
    "SET LOCAL client_min_messages = warning; "
    f"CREATE TEMP TABLE IF NOT EXISTS staged_measurements ({_STAGED_MEASUREMENT}) ON COMMIT DELETE ROWS; "
    f"CREATE TEMP TABLE IF NOT EXISTS staged_facts ({_STAGED_FACT}) ON COMMIT DELETE ROWS"
)
_CLAIM: Final = """
    WITH fresh AS (
        INSERT INTO event_keys (key, digest)
        SELECT event_key, digest FROM {staged} ORDER BY event_key
        ON CONFLICT DO NOTHING RETURNING key
    )
    SELECT event_key FROM {staged} WHERE event_key NOT IN (SELECT key FROM fresh)
"""
_CLAIM_MEASUREMENTS: Final = _CLAIM.format(staged="staged_measurements")
# One statement for both tables: two would claim keys out of their order.
_CLAIM_ALL: Final = _CLAIM.format(
    staged="(SELECT event_key, digest FROM staged_measurements "
    "UNION ALL SELECT event_key, digest FROM staged_facts) AS staged"
)
_STORED_DIGESTS: Final = "SELECT key, digest FROM event_keys WHERE key = ANY($1::bytea[])"
# No ON CONFLICT here, which would cost a second look-up per row: the keys are new, so the rows are.
_STORE_MEASUREMENTS: Final = """
    WITH stored AS (INSERT INTO measurements (tenant_id, objective, minute, event_key, total, good, bounds, counts,
                              source, event_id, correction_of, extras, received_at)
    SELECT tenant_id, objective, minute, event_key, total, good, bounds, counts,
           source, event_id, correction_of, extras::jsonb, $1
    FROM staged_measurements
    RETURNING 1) SELECT count(*) FROM stored
"""
_STORE_FACTS: Final = """
    WITH stored AS (INSERT INTO facts (tenant_id, event_key, type, time, subject, tenants, source, event_id,
                       correction_of, body, digest, received_at)
    SELECT tenant_id, event_key, type, coalesce(time, $1), subject, tenants, source, event_id,
           correction_of, body::jsonb, digest, $1
    FROM staged_facts
    RETURNING 1) SELECT count(*) FROM stored
"""

_json = msgspec.json.Encoder().encode


class Owned(msgspec.Struct, frozen=True, gc=False):
    """A sound event and whose it is: its tenant's, or the vendor's with the tenants it names."""

    read: ReadEvent
    tenant_id: UUID
    tenants: tuple[UUID, ...] | None = None


class Staged(msgspec.Struct, frozen=True):
    """A chunk made ready for the database; ``first`` is the one of each key that will be stored."""

    owned: Sequence[Owned]
    first: Mapping[bytes, Owned]
    measurements: Sequence[tuple[Any, ...]]
    facts: Sequence[tuple[Any, ...]]


def stage(owned: Sequence[Owned]) -> Staged:
    """Rows for the temporary tables; of events with one key, the first stands for all."""
    first: dict[bytes, Owned] = {}
    for each in owned:
        first.setdefault(each.read.key, each)
    measured: list[tuple[Any, ...]] = []
    others: list[tuple[Any, ...]] = []
    for each in first.values():
        event = each.read.event
        if isinstance(event, SliMeasured):
            measured.append(_measurement_row(each, event))
        else:
            others.append(_fact_row(each))
    return Staged(owned, first, measured, others)


async def store(session: WriteSession, staged: Staged, received_at: datetime) -> Mapping[bytes, bytes]:
    """Stores what is new of ``staged``.

    Returns the digest under which each key was *already* known; a key that is not there was new.
    """
    connection = await session.driver()
    await connection.execute(_PREPARE)
    for table, rows in (("staged_measurements", staged.measurements), ("staged_facts", staged.facts)):
        if rows:
            await connection.copy_records_to_table(table, records=rows, schema_name="pg_temp")
    claim = _CLAIM_ALL if staged.facts else _CLAIM_MEASUREMENTS
    known = [row["event_key"] for row in await connection.fetch(claim)]
    if known:
        await _unstage(connection, known)
    if staged.measurements:
        await connection.execute(_STORE_MEASUREMENTS, received_at)
    if staged.facts:
        await connection.execute(_STORE_FACTS, received_at)
    if not known:
        return {}
    return {row["key"]: row["digest"] for row in await connection.fetch(_STORED_DIGESTS, known)}


async def _unstage(connection: asyncpg.Connection[Any], keys: list[bytes]) -> None:
    await connection.execute("DELETE FROM staged_measurements WHERE event_key = ANY($1::bytea[])", keys)
    await connection.execute("DELETE FROM staged_facts WHERE event_key = ANY($1::bytea[])", keys)


def _measurement_row(owned: Owned, event: SliMeasured) -> tuple[Any, ...]:
    read = owned.read
    data = event.data
    bounds = counts = None
    if data.buckets is not None:
        sent, bounds = bucket_order(tuple(data.buckets))
        counts = [data.buckets[bound] for bound in sent]
    return (
        read.key,
        read.digest,
        owned.tenant_id,
        data.objective,
        event.time,
        data.total,
        data.good,
        bounds,
        counts,
        event.source,
        event.id,
        data.correction_of,
        None if read.extras is None else _json(read.extras).decode(),
    )


def _fact_row(owned: Owned) -> tuple[Any, ...]:
    read = owned.read
    event, body = read.event, read.body
    return (
        read.key,
        read.digest,
        owned.tenant_id,
        event.type,
        event.time,
        body[SUBJECT_FIELDS[event.type]],
        owned.tenants,
        event.source,
        event.id,
        body.get("correction_of"),
        _json(body).decode(),
    )
