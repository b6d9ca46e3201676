"""Ed25519 keys (RFC 8032) and how they are named.

A key's id is the hex SHA-256 of its DER SubjectPublicKeyInfo (RFC 8410 §4): the digest that
``openssl pkey -pubin -outform DER | sha256sum`` prints, so nobody needs our code to compare one.
"""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import dataclass, field
from functools import cached_property

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey as NaclSigningKey
from nacl.signing import VerifyKey as NaclVerifyKey

from trust_portal.evidence.strict import Malformed, encode_base64

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

#: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }, up to the key itself.
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_PEM_HEAD, _PEM_TAIL = "-----BEGIN PUBLIC KEY-----\n", "-----END PUBLIC KEY-----\n"


@dataclass(frozen=True)
class VerifyKey:
    """A public key: 32 bytes as RFC 8032 encodes them."""

    public_key: bytes

    def __post_init__(self) -> None:
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise Malformed(f"an Ed25519 public key has 32 bytes, not {len(self.public_key)}")

    @cached_property
    def key_id(self) -> str:
        """Hex SHA-256 of the DER SubjectPublicKeyInfo."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def der(self) -> bytes:
        """SubjectPublicKeyInfo, 44 bytes."""
        return _SPKI_PREFIX + self.public_key

    @property
    def pem(self) -> str:
        """SubjectPublicKeyInfo as RFC 7468 text, as ``openssl pkey -pubin`` reads it."""
        body = "\n".join(textwrap.wrap(encode_base64(self.der), 64))
        return f"{_PEM_HEAD}{body}\n{_PEM_TAIL}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (64 bytes) is this key's over ``message``. Never raises."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            self._nacl.verify(message, signature)
        except BadSignatureError:
            return False
        return True

    @cached_property
    def _nacl(self) -> NaclVerifyKey:
        return NaclVerifyKey(self.public_key)


@dataclass(frozen=True)
class SigningKey:
    """A private key from its 32-byte seed. The seed never appears in a ``repr``."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise Malformed(f"an Ed25519 seed has 32 bytes, not {len(self.seed)}")

    @cached_property
    def verify_key(self) -> VerifyKey:
        return VerifyKey(bytes(self._nacl.verify_key))

    @property
    def public_key(self) -> bytes:
        return self.verify_key.public_key

    @cached_property
    def key_id(self) -> str:
        return self.verify_key.key_id

    def sign(self, message: bytes) -> bytes:
        """64 bytes over ``message``; deterministic (RFC 8032 §5.1.6), so a re-run signs alike."""
        return self._nacl.sign(message).signature

    @cached_property
    def _nacl(self) -> NaclSigningKey:
        return NaclSigningKey(self.seed)
