"""An authenticator in software: it makes passkeys and signs with them as a phone or a security key would.

For people who are programs: those of the demo, and those of the tests. Everything it gives is what a
browser gives (WebAuthn Level 3 §5.1, §6), with ES256 and attestation ``none``.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from trust_portal.evidence.assertion import Assertion
from trust_portal.evidence.strict import encode_base64url

_USER_PRESENT, _USER_VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
#: COSE_Key of an ES256 public key up to its first coordinate (RFC 9053 §7.1.1), and between the two.
_COSE: Final = bytes.fromhex("a5010203262001215820")
_COSE_Y: Final = bytes.fromhex("225820")
#: {"fmt": "none", "attStmt": {}, "authData": bytes with a length of two bytes} in CBOR.
_ATTESTATION: Final = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"


@dataclass
class Authenticator:
    """One device with one passkey, made for ``rp_id``. ``counts``: whether it keeps a sign count."""

    rp_id: str
    origin: str
    counts: bool = True
    sign_count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> str:
        """What ``navigator.credentials.create`` answers to ``options``, as JSON text."""
        client_data = self._client_data("webauthn.create", options["challenge"])
        attested = (
            bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + self.public_key
        )
        data = self._data(_USER_PRESENT | _USER_VERIFIED | _ATTESTED) + attested
        attestation = _ATTESTATION + struct.pack(">H", len(data)) + data
        id_ = encode_base64url(self.credential_id)
        return json.dumps(
            {
                "id": id_,
                "rawId": id_,
                "type": "public-key",
                "response": {
                    "clientDataJSON": encode_base64url(client_data),
                    "attestationObject": encode_base64url(attestation),
                    "transports": ["internal"],
                },
                "clientExtensionResults": {},
            }
        )

    def sign(self, challenge: bytes, *, verified: bool = True) -> Assertion:
        """What ``navigator.credentials.get`` answers; ``verified``: whether its owner was recognised."""
        if self.counts:
            self.sign_count += 1
        client_data = self._client_data("webauthn.get", encode_base64url(challenge))
        data = self._data(_USER_PRESENT | (_USER_VERIFIED if verified else 0))
        signed = data + hashlib.sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return Assertion(self.credential_id, data, client_data, signature)

    @property
    def public_key(self) -> bytes:
        """As COSE_Key."""
        numbers = self.key.public_key().public_numbers()
        return _COSE + numbers.x.to_bytes(32, "big") + _COSE_Y + numbers.y.to_bytes(32, "big")

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.sign_count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said, separators=(",", ":")).encode()
