"""JSON as RFC 8259 hopes for it: one meaning, and nothing PostgreSQL cannot keep.

Refused beside plain syntax errors: a name twice in one object (RFC 8259 §4: "unpredictable"), NaN
and infinities, NUL and lone surrogates (no ``text`` holds them), U+FFFE and U+FFFF (no document
made of XML does), and nesting past ``MAX_DEPTH``.
The common case costs one decode and one count; only a suspect text is read again, slowly, to say
what is wrong and where.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

import msgspec

from trust_portal.facts.outcome import RejectionCode
from trust_portal.facts.refusal import BadEvent
from trust_portal.kernel.names import NOT_IN_XML

MAX_DEPTH: Final = 32

_ESCAPE_OR_RARE_BLANK: Final = b"\\\t\r\n"
_NOT_IN_XML: Final = tuple(each.encode() for each in sorted(NOT_IN_XML))
_ESCAPE_OR_BLANK: Final = _ESCAPE_OR_RARE_BLANK + b" "

_decode = msgspec.json.Decoder().decode


def decode_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in ``raw``; anything else is ``BadEvent`` with the path of the trouble."""
    try:
        value = _decode(raw)
        if isinstance(value, dict) and _obviously_sound(raw, value):
            return value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return _decode_slowly(raw)


def is_plain(raw: bytes) -> bool:
    """Whether no escape is in ``raw``, nothing that is refused unescaped, and no blank before a colon.

    Then every ``":`` is the end of one name. Text without any blank, the usual case, is known by
    one pass; otherwise no quote may have a blank behind it.
    """
    if not raw.isascii() and any(each in raw for each in _NOT_IN_XML):
        return False
    if len(raw.translate(None, _ESCAPE_OR_BLANK)) == len(raw):
        return True
    return b'" ' not in raw and len(raw.translate(None, _ESCAPE_OR_RARE_BLANK)) == len(raw)


def count_names(raw: bytes) -> int:
    """How many names of objects a plain text holds, repeated ones each time."""
    return raw.count(b'":')


def _obviously_sound(raw: bytes, value: dict[str, Any]) -> bool:
    """As many names in the text as in the result: no name was given twice. False: look closer."""
    return is_plain(raw) and count_names(raw) == _names_in(value, 1)


def _names_in(value: dict[str, Any] | list[Any], depth: int) -> int:
    if depth > MAX_DEPTH:
        raise RecursionError
    names = len(value) if isinstance(value, dict) else 0
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            names += _names_in(item, depth + 1)
    return names


class _Object(dict[str, Any]):
    """An object that remembers a name it was given twice."""

    twice: str | None = None


def _remember(pairs: list[tuple[str, Any]]) -> _Object:
    value = _Object(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                value.twice = name
                break
            seen.add(name)
    return value


def _decode_slowly(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_remember)
    except UnicodeDecodeError as error:
        raise BadEvent(RejectionCode.MALFORMED, f"not UTF-8 at byte {error.start}", None) from error
    except RecursionError as error:
        raise BadEvent(RejectionCode.INVALID, f"nested deeper than {MAX_DEPTH} levels", "$") from error
    except ValueError as error:
        raise BadEvent(RejectionCode.MALFORMED, f"not JSON: {error}", None) from error
    if not isinstance(value, dict):
        raise BadEvent(RejectionCode.MALFORMED, "an event is a JSON object", "$")
    trouble = _find_trouble(value)
    if trouble:
        message, path = trouble
        raise BadEvent(RejectionCode.INVALID, message, path, event_id=value.get("id"))
    try:
        # The stricter reader has the last word, also on numbers out of range.
        return _decode(raw)  # type: ignore[no-any-return]  # an object, as seen above
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadEvent(RejectionCode.INVALID, str(error), "$", event_id=value.get("id")) from error


def _find_trouble(root: object) -> tuple[str, str] | None:
    """The first thing we cannot keep, as message and path; walks without recursion."""
    waiting: list[tuple[object, str, int]] = [(root, "$", 1)]
    while waiting:
        value, path, depth = waiting.pop()
        if isinstance(value, str):
            if trouble := _text_trouble(value):
                return trouble, path
        elif isinstance(value, float):
            if not math.isfinite(value):
                return "not a finite number", path
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                return f"nested deeper than {MAX_DEPTH} levels", path
            if isinstance(value, _Object) and value.twice is not None:
                return "the name is given twice in one object", f"{path}.{value.twice}"
            if isinstance(value, dict):
                for name, item in value.items():
                    if trouble := _text_trouble(name):
                        return trouble, f"{path}.{name}"
                    waiting.append((item, f"{path}.{name}", depth + 1))
            else:
                waiting.extend((item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value))
    return None


def _text_trouble(text: str) -> str | None:
    if "\x00" in text:
        return "holds a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a surrogate pair"
    if not NOT_IN_XML.isdisjoint(text):
        return "holds U+FFFE or U+FFFF, which are no characters"
    return None
