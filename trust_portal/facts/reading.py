"""From the bytes of one event to what will be stored, or to the reason why not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from trust_portal.facts.events import (
    EVENT_TYPES,
    AdapterObserved,
    Event,
    SliMeasured,
    UsageRecorded,
)
from trust_portal.facts.fields import Buckets, Count
from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.refusal import BadEvent
from trust_portal.facts.rules import check_ahead, check_rules, check_time
from trust_portal.facts.strict_json import count_names, decode_object, is_plain

#: CloudEvents asks for at least 64 KiB; a postmortem-sized note still fits.
MAX_EVENT_BYTES: Final = 256 * 1024

#: The types that come by the million. Every optional field of theirs is ``None`` when absent, which
#: ``_names`` rests on (a test holds it).
FREQUENT: Final = (AdapterObserved, SliMeasured, UsageRecorded)

_decode_frequent: Final = cast(
    "Callable[[bytes], Event]",
    msgspec.json.Decoder(AdapterObserved | SliMeasured | UsageRecorded).decode,
)
_fields_of = msgspec.structs.astuple
_encode = msgspec.json.Encoder(order="sorted").encode
_ENVELOPE_NAMES: Final = len(("specversion", "id", "source", "type", "time", "data"))
_WHERE: Final = re.compile(r" - at (?:`key` in )?`([^`]*)`$")
_MISSING: Final = re.compile(r"missing required field `(\w+)`")


class ReadEvent(Struct, gc=False, frozen=True):
    """An event that is sound by itself; whose it is and whether it is new, the store will say.

    ``key`` (16 bytes) is what makes it the same event, ``digest`` (SHA-256) what makes it the same
    content, ``body`` the JSON of ``data`` and ``extras`` that of the fields its type does not name.
    """

    index: int
    event: Event
    key: bytes
    digest: bytes
    body: bytes
    extras: bytes | None = None


def read_event(raw: bytes, index: int, now: datetime) -> ReadEvent:
    """Raises ``BadEvent`` with code, message and JSON path.

    Nearly all events are plainly written and of a frequent type: they are decoded once, straight
    into their type. All others, and whatever is wrong, are read with more care; both ways come to
    the same result.
    """
    event = _read_frequent(raw)
    if event is None:
        return _read_carefully(raw, index, now)
    try:
        check_time(event, now)
        check_rules(event)
    except BadEvent as bad:
        bad.event_id = event.id
        raise
    body = _encode(event.data)
    return ReadEvent(index, event, event_key(event.source, event.id), _digest(event, body), body)


def event_key(source: str, event_id: str) -> bytes:
    """16 bytes that stand for ``source`` and ``id``; the length keeps ("a", "bc") from ("ab", "c")."""
    return blake2b(f"{len(source)} {source}{event_id}".encode(), digest_size=16).digest()


def _read_frequent(raw: bytes) -> Event | None:
    """The event, if its text is plain and has each of its type's names once and no other."""
    if len(raw) > MAX_EVENT_BYTES or not is_plain(raw):
        return None
    try:
        event = _decode_frequent(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    # A name that is unknown, null or given twice is in the text and not in the event.
    return event if count_names(raw) == _names(event) else None


def _names(event: Event) -> int:
    fields = _fields_of(event.data)
    names = _ENVELOPE_NAMES + len(fields) - fields.count(None) + (event.datacontenttype is not None)
    for value in fields:
        if type(value) is dict:
            names += len(value)
    return names


def _read_carefully(raw: bytes, index: int, now: datetime) -> ReadEvent:
    if len(raw) > MAX_EVENT_BYTES:
        raise BadEvent(RejectionCode.TOO_LARGE, f"an event has at most {MAX_EVENT_BYTES} bytes", "$")
    value = decode_object(raw)
    try:
        event = _typed(value)
        check_time(event, now)
        check_rules(event)
        check_ahead(event, now)  # of no frequent type
    except BadEvent as bad:
        bad.event_id = value.get("id")
        raise
    body: dict[str, Any] = value["data"]
    known = _FIELDS[type(event)]
    extras = {name: item for name, item in body.items() if name not in known}
    content = _encode({**msgspec.to_builtins(event.data), **extras}) if extras else _encode(event.data)
    return ReadEvent(
        index,
        event,
        event_key(event.source, event.id),
        _digest(event, content),
        _encode(body),
        _encode(extras) if extras else None,
    )


def _typed(value: dict[str, Any]) -> Event:
    name = value.get("type")
    kind = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        if "type" not in value or not isinstance(name, str):
            raise BadEvent(RejectionCode.INVALID, "an event names its `type`", "$.type")
        raise BadEvent(RejectionCode.UNKNOWN_TYPE, f"no event type {name}", "$.type")
    _make_whole(value.get("data"), _WHOLE_NUMBERS[kind])
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _located(str(error)) from error


def _make_whole(data: object, names: tuple[str, ...]) -> None:
    """``60.0`` is the integer 60, in JSON Schema too (2020-12 §6.1.1); some producers know only floats."""
    if not isinstance(data, dict):
        return
    for name in names:
        value = data.get(name)
        if isinstance(value, float) and value.is_integer():
            data[name] = int(value)
        elif isinstance(value, dict):
            _make_whole(value, tuple(value))


def _located(text: str) -> BadEvent:
    """What msgspec says, split into message and path; a missing field is part of the path."""
    where = _WHERE.search(text)
    path = where[1] if where else "$"
    missing = _MISSING.search(text)
    if missing:
        path = f"{path}.{missing[1]}"
    return BadEvent(RejectionCode.INVALID, _WHERE.sub("", text), path)


def _digest(event: Event, content: bytes) -> bytes:
    """SHA-256 over type and data, whatever the order of names.

    Not over ``time``: source and id are the key "whatever time says". Other envelope attributes
    (a trace id, say) may change as well when a producer sends again.
    """
    return sha256(_TYPE_BYTES[type(event)] + content).digest()


def _data_of(kind: type[Event]) -> tuple[msgspec.structs.FieldInfo, ...]:
    data = next(field.type for field in msgspec.structs.fields(kind) if field.name == "data")
    return msgspec.structs.fields(data)


_TYPE_BYTES: Final = {kind: f"{name} ".encode() for name, kind in EVENT_TYPES.items()}
_FIELDS: Final = {
    kind: frozenset(field.encode_name for field in _data_of(kind)) for kind in EVENT_TYPES.values()
}
_WHOLE_NUMBERS: Final = {
    kind: tuple(
        field.encode_name for field in _data_of(kind) if field.type in (Count, Count | None, Buckets | None)
    )
    for kind in EVENT_TYPES.values()
}
