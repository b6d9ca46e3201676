"""Canonical JSON (RFC 8785) and the digests over it.

Signed documents hold money and counters as decimal strings, because RFC 8785 numbers are IEEE
doubles and end at 2**53. Floats are refused here, so none can slip into a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import rfc8785

Json: TypeAlias = bool | int | str | Sequence["Json"] | Mapping[str, "Json"] | None

MAX_SAFE_INTEGER = 2**53 - 1


def canonical(value: Json) -> bytes:
    """``value`` as RFC 8785 bytes.

    Raises ``ValueError`` for floats, integers beyond 2**53 - 1, and anything that is not JSON.
    """
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


def _refuse_floats(value: object, path: str) -> None:
    if isinstance(value, float):
        raise ValueError(f"{path}: a float has no place in a signed document; use a string")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_floats(item, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, item in enumerate(value):
            _refuse_floats(item, f"{path}[{index}]")
