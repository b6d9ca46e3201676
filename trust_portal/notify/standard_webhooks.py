"""Signing and checking webhooks by the Standard Webhooks specification, version 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Three headers carry it: ``webhook-id`` (the same for every attempt at one message),
``webhook-timestamp`` (Unix seconds of the attempt) and ``webhook-signature`` (one or more
signatures, space-delimited, each ``<scheme>,<base64>``). What is signed is
``<id>.<timestamp>.<body>``, the body byte for byte as sent.

======  =========================  ==========================================
scheme  algorithm                  key as text
======  =========================  ==========================================
v1      HMAC-SHA256                ``whsec_`` + base64 of 24 to 64 bytes
v1a     Ed25519 (RFC 8032)         ``whpk_`` + base64 of the 32 public bytes
======  =========================  ==========================================
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar, Protocol

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as NaclSigningKey
from nacl.signing import VerifyKey as NaclVerifyKey

from trust_portal.errors import InvalidInput, Refused

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = timedelta(minutes=5)

_SECRET_PREFIX, _PUBLIC_PREFIX = "whsec_", "whpk_"
_SECRET_BYTES = range(24, 65)
_KEY_BYTES = 32


class SignatureRefused(Refused):
    """A webhook that is not from whom it claims, or not from now."""

    status = 401

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, code="BAD_SIGNATURE", field=field)


class WebhookSigner(Protocol):
    """What signs: a shared secret or a private key."""

    scheme: ClassVar[str]

    def sign(self, content: bytes) -> bytes: ...


class WebhookVerifier(Protocol):
    """What checks: the same shared secret, or the public key."""

    scheme: ClassVar[str]

    def verify(self, content: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True)
class HmacSecret:
    """A secret that both sides hold (scheme ``v1``). It never appears in a ``repr``."""

    secret: bytes = field(repr=False)
    scheme: ClassVar[str] = "v1"

    def __post_init__(self) -> None:
        if len(self.secret) not in _SECRET_BYTES:
            raise _bad_key(f"a webhook secret has 24 to 64 bytes, not {len(self.secret)}")

    @classmethod
    def parse(cls, text: str) -> HmacSecret:
        """From ``whsec_…``; ``InvalidInput`` for anything else."""
        return cls(_decode_key(text, _SECRET_PREFIX))

    @property
    def text(self) -> str:
        return _SECRET_PREFIX + _base64(self.secret)

    def sign(self, content: bytes) -> bytes:
        return hmac.digest(self.secret, content, hashlib.sha256)

    def verify(self, content: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(content), signature)


@dataclass(frozen=True)
class Ed25519Public:
    """The half of a key pair that whoever receives needs (scheme ``v1a``)."""

    public_key: bytes
    scheme: ClassVar[str] = "v1a"

    def __post_init__(self) -> None:
        if len(self.public_key) != _KEY_BYTES:
            raise _bad_key(f"an Ed25519 public key has {_KEY_BYTES} bytes, not {len(self.public_key)}")

    @classmethod
    def parse(cls, text: str) -> Ed25519Public:
        """From ``whpk_…``; ``InvalidInput`` for anything else."""
        return cls(_decode_key(text, _PUBLIC_PREFIX))

    @property
    def text(self) -> str:
        return _PUBLIC_PREFIX + _base64(self.public_key)

    def verify(self, content: bytes, signature: bytes) -> bool:
        try:
            NaclVerifyKey(self.public_key).verify(content, signature)
        except (BadSignatureError, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Ed25519Private:
    """The half that signs, from its 32-byte seed. It never appears in a ``repr``."""

    seed: bytes = field(repr=False)
    scheme: ClassVar[str] = "v1a"

    def __post_init__(self) -> None:
        if len(self.seed) != _KEY_BYTES:
            raise _bad_key(f"an Ed25519 seed has {_KEY_BYTES} bytes, not {len(self.seed)}")

    @cached_property
    def public(self) -> Ed25519Public:
        return Ed25519Public(bytes(self._nacl.verify_key))

    def sign(self, content: bytes) -> bytes:
        return self._nacl.sign(content).signature

    @cached_property
    def _nacl(self) -> NaclSigningKey:
        return NaclSigningKey(self.seed)


def sign_webhook(id: str, at: datetime, body: bytes, signers: Iterable[WebhookSigner]) -> dict[str, str]:
    """The three headers of one attempt.

    ``id`` names the message and stays the same when it is sent again; it must not hold a full stop,
    which would let one message be read as another. Several signers (a rotation, or both schemes)
    give several signatures. Raises ``InvalidInput`` for an ``id`` with a full stop and without signers.
    """
    if not id or "." in id or not id.isascii() or not id.isprintable() or " " in id:
        raise InvalidInput(f"{id!r} cannot be the id of a webhook", field=ID)
    timestamp = str(int(at.timestamp()))
    content = _content(id, timestamp, body)
    signatures = [f"{each.scheme},{_base64(each.sign(content))}" for each in signers]
    if not signatures:
        raise InvalidInput("a webhook is signed by something", field=SIGNATURE)
    return {ID: id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    verifiers: Iterable[WebhookVerifier],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """The message's id, once one of ``verifiers`` made one of its signatures and it is from now.

    ``headers`` by lower-case name. Raises ``SignatureRefused`` naming the header. Whoever receives
    remembers ids for at least twice ``tolerance``, so that a copied message is not obeyed again.
    """
    try:
        message, timestamp, signatures = headers[ID], headers[TIMESTAMP], headers[SIGNATURE]
    except KeyError as error:
        raise SignatureRefused(f"the header {error} is missing", field=str(error.args[0])) from error
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 11):
        raise SignatureRefused("the timestamp is no number of seconds", field=TIMESTAMP)
    if abs(datetime.fromtimestamp(int(timestamp), UTC) - now) > tolerance:
        raise SignatureRefused("the timestamp is too far from now; compare the clocks", field=TIMESTAMP)
    content = _content(message, timestamp, body)
    known = list(verifiers)
    for signature in signatures.split(" "):
        scheme, _, encoded = signature.partition(",")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue  # another scheme may spell itself as it likes
        if any(each.scheme == scheme and each.verify(content, raw) for each in known):
            return message
    raise SignatureRefused("no signature is by a key that is known here", field=SIGNATURE)


def _content(id: str, timestamp: str, body: bytes) -> bytes:
    return b".".join((id.encode(), timestamp.encode(), body))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decode_key(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise _bad_key(f"a key of this kind begins with {prefix}")
    try:
        return base64.b64decode(text[len(prefix) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad_key(f"what follows {prefix} is not base64") from error


def _bad_key(message: str) -> InvalidInput:
    return InvalidInput(message, field="key", code="BAD_KEY")
