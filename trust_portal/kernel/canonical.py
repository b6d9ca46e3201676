"""Canonical JSON (RFC 8785) and the digests over it.

Signed documents hold money and counters as decimal strings, because RFC 8785 numbers are IEEE
doubles and end at 2**53. Floats are refused here, so none can slip into a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import rfc8785

Json: TypeAlias = bool | int | str | Sequence["Json"] | Mapping[str, "Json"] | None

MAX_SAFE_INTEGER = 2**53 - 1

#: Kinds of which every value is plain.
_ATOMS: Final = frozenset({str, bool, type(None)})
_TEXT: Final = frozenset({str})

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: Json) -> bytes:
    """``value`` as RFC 8785 bytes.

    Raises ``ValueError`` for floats, integers beyond 2**53 - 1, and anything that is not JSON.

    ``msgspec`` writes what is plain: the same bytes as the reference in Python (a test compares
    them), many times as fast, and every receipt is written here. The reference takes the rest.
    """
    if _is_plain(value):
        return _encoder.encode(value)
    _refuse_floats(value, "$")
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def sha256_hex(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Json) -> str:
    """Hex SHA-256 of the canonical form."""
    return sha256_hex(canonical(value))


def _is_plain(*items: Any) -> bool:
    """Whether ``items`` hold nothing on which ``msgspec`` and RFC 8785 could differ.

    Exact types, because ``msgspec`` also writes dates, bytes and sets; ASCII names, because it sorts
    them by code point and RFC 8785 §3.2.3 by UTF-16 unit, which puts U+FF21 behind U+1F600.
    """
    if _ATOMS.issuperset(map(type, items)):
        return True
    for item in items:
        kind = type(item)
        if kind in _ATOMS:
            continue
        if kind is dict:
            plain = _are_names(item) and _is_plain(*item.values())
        elif kind is list or kind is tuple:
            plain = _is_plain(*item)
        else:
            plain = kind is int and -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER
        if not plain:
            return False
    return True


def _are_names(keys: Mapping[Any, Any]) -> bool:
    return _TEXT.issuperset(map(type, keys)) and "".join(keys).isascii()


def _refuse_floats(value: object, path: str) -> None:
    if isinstance(value, float):
        raise ValueError(f"{path}: a float has no place in a signed document; use a string")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, item in enumerate(value):
            _refuse_floats(item, f"{path}[{index}]")
