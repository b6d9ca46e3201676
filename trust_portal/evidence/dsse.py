"""DSSE v1 envelopes (github.com/secure-systems-lab/dsse, protocol.md and envelope.md).

The signature is over PAE(payloadType, payload), so neither can be read as something else. The
log's entry for an envelope is the same PAE: what is signed is what is logged.
"""

from __future__ import annotations

from dataclasses import dataclass

from trust_portal.evidence.signing import SigningKey, VerifyKey
from trust_portal.evidence.strict import Malformed, decode_base64, encode_base64, parse_json
from trust_portal.kernel.canonical import canonical

IN_TOTO = "application/vnd.in-toto+json"
"""The payload type of an in-toto Statement."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE v1 Pre-Authentication Encoding; lengths count bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Signature:
    """``key_id`` is a hint which key to try, never a reason to trust it."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def pae(self) -> bytes:
        """What the signatures are over, and the entry the log holds."""
        return pae(self.payload_type, self.payload)

    def verify(self, key: VerifyKey) -> bool:
        """Whether ``key`` has signed this, whatever the hints say."""
        message = self.pae
        return any(key.verify(message, each.signature) for each in self.signatures)

    def to_json(self) -> bytes:
        """The envelope as RFC 8785 bytes."""
        return canonical(
            {
                "payload": encode_base64(self.payload),
                "payloadType": self.payload_type,
                "signatures": [
                    {"keyid": each.key_id, "sig": encode_base64(each.signature)} for each in self.signatures
                ],
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """An envelope from the bytes ``to_json`` gives.

        ``Malformed`` for everything else, also for the same envelope in another spelling: the
        manifest's own envelope is digested nowhere, so nothing may be free to vary in it.
        """
        value = parse_json(data, field="envelope")
        try:
            envelope = cls(
                payload_type=_text(value["payloadType"]),
                payload=decode_base64(_text(value["payload"]), field="payload"),
                signatures=tuple(
                    Signature(_text(each["keyid"]), decode_base64(_text(each["sig"]), field="sig"))
                    for each in value["signatures"]
                ),
            )
            spelled = envelope.to_json()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Malformed(f"not a DSSE envelope: {error!r}", field="envelope") from error
        if spelled != data:
            raise Malformed("a DSSE envelope in a spelling other than RFC 8785", field="envelope")
        return envelope


def sign_envelope(payload: bytes, key: SigningKey, *, payload_type: str = IN_TOTO) -> Envelope:
    """``payload`` in an envelope with one signature."""
    return Envelope(payload_type, payload, (Signature(key.key_id, key.sign(pae(payload_type, payload))),))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("a field of an envelope is a text", field="envelope")
    return value
