"""From the bytes of one event to what will be stored, or to the reason why not. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from trust_portal.facts.events import EVENT_TYPES, Event
from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.refusal import BadEvent
from trust_portal.facts.rules import check_rules, check_time
from trust_portal.facts.strict_json import decode_object

#: CloudEvents asks for at least 64 KiB; a postmortem-sized note still fits.
MAX_EVENT_BYTES: Final = 256 * 1024

_encode = msgspec.json.Encoder(order="sorted").encode
_WHERE: Final = re.compile(r" - at (?:`key` in )?`([^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `(\w+)`")


class ReadEvent(Struct, gc=False, frozen=True):
    """An event that is sound by itself; whose it is and whether it is new, the store will say.

    ``key`` is what makes it the same event, ``digest`` what makes it the same content, ``body``
    is ``data`` as it came and ``extras`` the fields of ``data`` that its type does not name.
    """

    index: int
    event: Event
    key: bytes
    digest: bytes
    body: dict[str, Any]
    extras: dict[str, Any] | None


def read_event(raw: bytes, index: int, now: datetime) -> ReadEvent:
    """Raises ``BadEvent`` with code, message and JSON path."""
    if len(raw) > MAX_EVENT_BYTES:
        raise BadEvent(RejectionCode.TOO_LARGE, f"an event has at most {MAX_EVENT_BYTES} bytes", "$")
    value = decode_object(raw)
    try:
        event = _typed(value)
        check_time(event, now)
        check_rules(event)
    except BadEvent as bad:
        bad.event_id = value.get("id")
        raise
    body: dict[str, Any] = value["data"]
    extras: dict[str, Any] | None = None
    known = _FIELDS[event.type]
    if not known.issuperset(body):
        extras = {name: item for name, item in body.items() if name not in known}
    return ReadEvent(index, event, event_key(event.source, event.id), _digest(event, extras), body, extras)


def event_key(source: str, event_id: str) -> bytes:
    """16 bytes that stand for ``source`` and ``id``; the length keeps ("a", "bc") from ("ab", "c")."""
    return blake2b(f"{len(source)} {source}{event_id}".encode(), digest_size=16).digest()


def _typed(value: dict[str, Any]) -> Event:
    name = value.get("type")
    kind = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        if "type" not in value or not isinstance(name, str):
            raise BadEvent(RejectionCode.INVALID, "an event names its `type`", "$.type")
        raise BadEvent(RejectionCode.UNKNOWN_TYPE, f"no event type {name}", "$.type")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _located(str(error)) from error


def _located(text: str) -> BadEvent:
    """What msgspec says, split into message and path; a missing field is part of the path."""
    where = _WHERE.search(text)
    path = where[1] if where else "$"
    missing = _MISSING.search(text)
    if missing:
        path = f"{path}.{missing[1]}"
    return BadEvent(RejectionCode.INVALID, _WHERE.sub("", text), path)


def _digest(event: Event, extras: dict[str, Any] | None) -> bytes:
    """SHA-256 over type, instant and data, whatever the order of names and the spelling of times.

    Other envelope attributes (a trace id, say) may change when a producer sends again.
    """
    time = event.time
    if time is not None and time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return sha256(_encode((event.type, time, event.data, extras))).digest()


def _data_fields(kind: type[Event]) -> frozenset[str]:
    data = next(field.type for field in msgspec.structs.fields(kind) if field.name == "data")
    return frozenset(field.encode_name for field in msgspec.structs.fields(data))


_FIELDS: Final = {name: _data_fields(kind) for name, kind in EVENT_TYPES.items()}
