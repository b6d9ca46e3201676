"""Rows in PostgreSQL's binary COPY format (PostgreSQL documentation, COPY, "Binary Format").

Every function gives one field: its length as int32, then its bytes; a null is the length -1. The
driver can encode rows too, but asks each value for its type anew: for the rows that come by the
million that costs as much as reading the event did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Any, Final
from uuid import UUID

import asyncpg

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_length: Final = Struct(">i").pack
_count: Final = Struct(">h").pack
_int8: Final = Struct(">iq").pack
_array: Final = Struct(">iiiii").pack
_TEXT_OID: Final = 25
_INT8_OID: Final = 20
_UUID_OID: Final = 2950


def row(*fields: bytes) -> bytes:
    """A row of fields made by the functions below."""
    return _count(len(fields)) + b"".join(fields)


def text(value: str | None) -> bytes:
    if value is None:
        return NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


#: For values that come again and again, as sources and keys of objectives do.
repeated_text: Final = lru_cache(maxsize=4096)(text)


def raw(value: bytes | None) -> bytes:
    """Bytes as they are: ``bytea``, ``uuid`` (16 of them), or text that is UTF-8 already."""
    return NULL if value is None else _length(len(value)) + value


def instant(value: datetime | None) -> bytes:
    return NULL if value is None else _int8(8, microseconds(value))


def microseconds(value: datetime) -> int:
    """Since 2000-01-01 UTC, which is how PostgreSQL keeps a ``timestamptz``. Exact."""
    return (value - _EPOCH) // _MICROSECOND


def texts(values: Sequence[str] | None) -> bytes:
    return _items(_TEXT_OID, None if values is None else [text(value) for value in values])


def integers(values: Sequence[int] | None) -> bytes:
    return _items(_INT8_OID, None if values is None else [_int8(8, value) for value in values])


def uuids(values: Sequence[UUID] | None) -> bytes:
    return _items(_UUID_OID, None if values is None else [raw(value.bytes) for value in values])


async def copy_rows(
    connection: asyncpg.Connection[Any], table: str, rows: Iterable[bytes], *, schema: str | None = None
) -> None:
    """Copies rows whose fields are all columns of ``table``, in their order."""

    async def stream() -> AsyncIterator[bytes]:
        yield b"".join((HEADER, *rows, TRAILER))

    await connection.copy_to_table(table, source=stream(), schema_name=schema, format="binary")


def _items(oid: int, items: Sequence[bytes] | None) -> bytes:
    """A one-dimensional array without nulls: dimensions, null flag, type, length, lower bound."""
    if items is None:
        return NULL
    return raw((_array(1, 0, oid, len(items), 1) if items else _EMPTY_ARRAY(0, 0, oid)) + b"".join(items))


_EMPTY_ARRAY: Final = Struct(">iii").pack
