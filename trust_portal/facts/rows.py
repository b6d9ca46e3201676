"""Stored events as rows of the temporary tables they are copied into.

What binary COPY has no short form for (``jsonb``, ``numeric``) travels as text and is cast when it
is stored; a missing ``good`` travels as -1, which keeps all numbers in one ``pack``.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from uuid import UUID

import msgspec

from trust_portal.facts.copying import (
    NULL,
    instant,
    integers,
    microseconds,
    raw,
    repeated_text,
    row,
    text,
    texts,
    uuids,
)
from trust_portal.facts.events import SUBJECT_FIELDS, Event, SliMeasured, UsageRecorded
from trust_portal.facts.reading import ReadEvent, event_key
from trust_portal.facts.rules import bucket_order

STAGED_KEYS: Final = "key uuid, digest uuid"
STAGED_MEASUREMENTS: Final = (
    "event_key uuid, tenant_id uuid, minute timestamptz, total bigint, good bigint, objective text, "
    "source text, event_id text, bounds text[], counts bigint[], correction_of text, extras text"
)
STAGED_USAGE: Final = (
    "event_key uuid, tenant_id uuid, time timestamptz, subsystem text, resource text, operation text, "
    "region text, adapter text, quantity text, unit text, cost text, currency text, labels text, "
    "source text, event_id text, correction_of text, corrects uuid, extras text"
)
STAGED_FACTS: Final = (
    "event_key uuid, tenant_id uuid, time timestamptz, type text, subject text, tenants uuid[], bounds uuid[], "
    "source text, event_id text, body text, digest bytea"
)

_json = msgspec.json.Encoder().encode
_key_row: Final = Struct(">hi16si16s").pack
_measurement_head: Final = Struct(">hi16si16siqiqiq").pack
_NOTHING_MORE: Final = NULL * 4


class Owned(msgspec.Struct, frozen=True, gc=False):
    """A sound event and whose it is: its tenant's, or the vendor's with the tenants it names.

    ``bounds``: the tenants its token could speak for; None: everybody.
    """

    read: ReadEvent
    tenant_id: UUID
    tenants: tuple[UUID, ...] | None = None
    bounds: tuple[UUID, ...] | None = None


def key_row(read: ReadEvent) -> bytes:
    """A row of ``event_keys``."""
    return _key_row(2, 16, read.key, 16, read.digest[:16])


def measurement_row(owned: Owned, event: SliMeasured) -> bytes:
    read, data = owned.read, event.data
    good = -1 if data.good is None else data.good
    return b"".join(
        (
            _measurement_head(
                12, 16, read.key, 16, owned.tenant_id.bytes, 8, microseconds(event.time),
                8, data.total, 8, good,
            ),
            repeated_text(data.objective),
            repeated_text(event.source),
            text(event.id),
            _NOTHING_MORE
            if data.buckets is None and data.correction_of is None and read.extras is None
            else _more_of_measurement(event, read.extras),
        )
    )  # fmt: skip


def _more_of_measurement(event: SliMeasured, extras: bytes | None) -> bytes:
    buckets = event.data.buckets
    bounds = counts = None
    if buckets is not None:
        sent, bounds = bucket_order(tuple(buckets))
        counts = [buckets[bound] for bound in sent]
    return texts(bounds) + integers(counts) + text(event.data.correction_of) + raw(extras)


def usage_row(owned: Owned, event: UsageRecorded) -> bytes:
    read, data = owned.read, event.data
    return row(
        raw(read.key),
        raw(owned.tenant_id.bytes),
        instant(event.time),
        repeated_text(data.subsystem),
        text(data.resource),
        repeated_text(data.operation),
        repeated_text(data.region),
        repeated_text(data.adapter),
        # The shortest decimal that is this double: what the producer wrote, up to 15 digits.
        text(repr(data.quantity)),
        repeated_text(data.unit),
        text(data.cost),
        repeated_text(data.currency),
        raw(None if data.labels is None else _json(data.labels)),
        repeated_text(event.source),
        text(event.id),
        text(data.correction_of),
        raw(corrected_key(event)),
        raw(read.extras),
    )


def corrected_key(event: UsageRecorded) -> bytes | None:
    """The key of the event this one replaces: ``correction_of`` is an id of the same source."""
    replaced = event.data.correction_of
    return None if replaced is None else event_key(event.source, replaced)


def fact_row(owned: Owned, event: Event) -> bytes:
    read = owned.read
    return row(
        raw(read.key),
        raw(owned.tenant_id.bytes),
        instant(event.time),
        repeated_text(event.type),
        text(getattr(event.data, SUBJECT_FIELDS[event.type])),
        uuids(owned.tenants),
        uuids(owned.bounds),
        repeated_text(event.source),
        text(event.id),
        raw(read.body),
        raw(read.digest),
    )
