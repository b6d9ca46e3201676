"""Reading without leniency: one meaning, one spelling.

A lenient reader accepts several spellings of one value, and every spelling it forgives is a byte
that somebody can change under a signature. So JSON with duplicate names or floats, and base64
that does not encode back to itself, are malformed here.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, NoReturn

from trust_portal.errors import InvalidInput

#: Deep enough for any document, shallow enough for every reader's stack.
MAX_DEPTH = 64


class Malformed(InvalidInput):
    """Bytes that are not what they claim to be; ``field`` says where."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message, field=field, code="MALFORMED")


def parse_json(data: bytes, *, field: str | None = None) -> Any:
    """One JSON value in UTF-8; duplicate names, floats and bottomless nesting are ``Malformed``."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            raise Malformed("a name occurs twice in one JSON object", field=field)
        return found

    def refuse(text: str) -> NoReturn:
        raise Malformed(f"{text} is a floating-point number; signed documents use strings", field=field)

    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_float=refuse, parse_constant=refuse
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"not JSON in UTF-8: {error}", field=field) from error
    if _deeper_than(value, MAX_DEPTH):
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels", field=field)
    return value


def _deeper_than(value: object, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth == 0 or any(_deeper_than(item, depth - 1) for item in inner)


def decode_base64(text: str, *, field: str | None = None) -> bytes:
    """RFC 4648 §4 with padding; any other spelling of the same bytes is ``Malformed``."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"not base64: {error}", field=field) from error
    if encode_base64(raw) != text:
        raise Malformed("base64 in a spelling other than its own", field=field)
    return raw


def encode_base64(raw: bytes) -> str:
    """RFC 4648 §4 with padding."""
    return base64.b64encode(raw).decode("ascii")


def decode_base64url(text: str, *, field: str | None = None) -> bytes:
    """RFC 4648 §5 without padding (as RFC 9901 wants); any other spelling is ``Malformed``."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"not base64url: {error}", field=field) from error
    if encode_base64url(raw) != text:
        raise Malformed("base64url in a spelling other than its own", field=field)
    return raw


def encode_base64url(raw: bytes) -> str:
    """RFC 4648 §5 without padding."""
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def decimal(text: str, *, field: str | None = None) -> int:
    """A non-negative ASCII decimal below 2**63 without leading zeroes."""
    if not (text.isascii() and text.isdecimal()) or (len(text) > 1 and text[0] == "0") or len(text) > 19:
        raise Malformed(f"{text[:40]!r} is no plain decimal number", field=field)
    value = int(text)
    if value >= 2**63:
        raise Malformed(f"{text} is beyond 2**63 - 1", field=field)
    return value
