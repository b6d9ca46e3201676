"""Selective disclosure inside predicates: salted digests as RFC 9901 §4.2 defines them.

A sensitive property is replaced by a digest in the ``_sd`` array of its object; the disclosure,
``base64url(JSON [salt, name, value])``, is kept beside the receipt and handed out or not. Only
object properties are concealed here (§4.2.1), never array elements (§4.2.2).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trust_portal.evidence.strict import MAX_DEPTH, Malformed, decode_base64url, encode_base64url, parse_json
from trust_portal.kernel.canonical import Json, canonical

_SD = "_sd"
#: Names RFC 9901 §4.2.1 keeps for itself.
_RESERVED = frozenset({_SD, "..."})
_SALT_BYTES = 16
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One concealed property. ``encoded`` is the exact text its digest is over."""

    encoded: str
    name: str
    value: Any

    @property
    def digest(self) -> str:
        """base64url(SHA-256 of the encoded disclosure's ASCII bytes), RFC 9901 §4.2.3."""
        return encode_base64url(hashlib.sha256(self.encoded.encode("ascii")).digest())

    @classmethod
    def make(cls, name: str, value: Json, salt: str) -> Disclosure:
        if name in _RESERVED:
            raise ValueError(f"{name!r} is reserved by RFC 9901")
        return cls(encode_base64url(canonical([salt, name, value])), name, value)

    @classmethod
    def parse(cls, encoded: str) -> Disclosure:
        """``Malformed`` unless ``encoded`` is a disclosure of an object property."""
        parts = parse_json(decode_base64url(encoded, field="disclosure"), field="disclosure")
        if not isinstance(parts, list) or len(parts) != _PARTS or not isinstance(parts[0], str):
            raise Malformed("a disclosure is [salt, name, value]", field="disclosure")
        if not isinstance(parts[1], str) or parts[1] in _RESERVED:
            raise Malformed("a disclosure names a property", field="disclosure")
        return cls(encoded, parts[1], parts[2])


def new_salt() -> str:
    """128 random bits, as RFC 9901 §9.3 recommends."""
    return encode_base64url(secrets.token_bytes(_SALT_BYTES))


def conceal(
    properties: Mapping[str, Json], names: Collection[str], salt: Callable[[], str] = new_salt
) -> tuple[dict[str, Json], tuple[Disclosure, ...]]:
    """``properties`` with those in ``names`` replaced by digests, and their disclosures.

    Digests are sorted, so their order says nothing about the names behind them. A name that is
    not there conceals nothing.
    """
    if _SD in properties:
        raise ValueError("this object conceals something already")
    hidden = [Disclosure.make(name, properties[name], salt()) for name in properties if name in names]
    if not hidden:
        return dict(properties), ()
    shown: dict[str, Json] = {name: value for name, value in properties.items() if name not in names}
    shown[_SD] = sorted(each.digest for each in hidden)
    return shown, tuple(hidden)


@dataclass(frozen=True, slots=True)
class Revealed:
    """A predicate with what was disclosed put back in its place."""

    value: Any
    concealed: int
    """Digests for which no disclosure was given."""
    unreferenced: tuple[str, ...]
    """Disclosures whose digest stands nowhere: each must be refused (RFC 9901 §7.1 step 5)."""
    false: tuple[str, ...]
    """Reasons why a disclosure that is referenced must be refused all the same (§7.1 step 3)."""


def reveal(predicate: Mapping[str, Any], encoded: Iterable[str]) -> Revealed:
    """Check disclosures against a signed predicate, as RFC 9901 §7.1 processes them."""
    by_digest: dict[str, Disclosure] = {}
    false: list[str] = []
    for text in encoded:
        try:
            disclosure = Disclosure.parse(text)
        except Malformed as error:
            false.append(error.message)
            continue
        if disclosure.digest in by_digest:
            false.append(f"{disclosure.name!r} is disclosed twice")
        by_digest[disclosure.digest] = disclosure
    used: set[str] = set()
    concealed = 0

    def walk(value: Any, depth: int = 0) -> Any:
        nonlocal concealed
        if not isinstance(value, list | tuple | Mapping):
            return value
        if depth == MAX_DEPTH:
            false.append(f"what is disclosed is nested deeper than {MAX_DEPTH} levels")
            return None
        if not isinstance(value, Mapping):
            return [walk(item, depth + 1) for item in value]
        digests = value.get(_SD, [])
        found = {name: walk(item, depth + 1) for name, item in value.items() if name != _SD}
        if not isinstance(digests, list) or not all(isinstance(each, str) for each in digests):
            false.append("_sd is no list of digests")
            return found
        for digest in digests:
            disclosure = by_digest.get(digest)
            if disclosure is None:
                concealed += 1
            elif digest in used:
                false.append(f"the digest of {disclosure.name!r} occurs twice")
            elif disclosure.name in found:
                false.append(f"{disclosure.name!r} is disclosed over a value that stands there openly")
                used.add(digest)
            else:
                used.add(digest)
                found[disclosure.name] = walk(disclosure.value, depth + 1)
        return found

    value = walk(predicate)
    unreferenced = tuple(each.encoded for digest, each in by_digest.items() if digest not in used)
    return Revealed(value, concealed, unreferenced, tuple(false))
