"""A person's signature with a passkey: a WebAuthn assertion whose challenge is a statement's digest.

The challenge is SHA-256 of the statement's RFC 8785 bytes. The authenticator signs its own data and the
digest of ``clientDataJSON``, which quotes the challenge (WebAuthn Level 3 §6.3.3, §7.2): so whoever holds
statement, assertion and public key can check, offline and for ever, that this key signed that statement
at this portal, with its owner present and recognised by the device.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trust_portal.errors import InvalidInput
from trust_portal.evidence.strict import Malformed, decode_base64url, encode_base64url
from trust_portal.kernel.canonical import Json

#: The longest that any part of an assertion may be; honest ones stay far below.
_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for: ``id`` is the domain they are bound to, ``origin`` where pages come from."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class PasskeyKey:
    """The public half of a passkey: ``public_key`` as COSE_Key (RFC 9052 §7), and at whom it signs."""

    credential_id: bytes
    public_key: bytes
    party: RelyingParty


@dataclass(frozen=True, slots=True)
class Assertion:
    """What ``navigator.credentials.get`` gave, byte for byte (WebAuthn §5.2.2)."""

    credential_id: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    def json(self) -> Mapping[str, Json]:
        """By the names browsers use, in base64url (WebAuthn §5.1, ``AuthenticatorAssertionResponseJSON``)."""
        return {name: encode_base64url(getattr(self, field)) for name, field in _PARTS.items()}

    @classmethod
    def of(cls, value: object, *, field: str = "assertion") -> Assertion:
        """From what ``json`` gives. Raises ``Malformed``."""
        if not isinstance(value, Mapping):
            raise Malformed("not an assertion", field=field)
        parts: dict[str, bytes] = {}
        for name, part in _PARTS.items():
            text = value.get(name)
            if not isinstance(text, str) or not text or len(text) > _MOST_BYTES:
                raise Malformed(f"an assertion has {', '.join(_PARTS)}", field=f"{field}.{name}")
            parts[part] = decode_base64url(text, field=f"{field}.{name}")
        return cls(**parts)


_PARTS: Final = {
    "credentialId": "credential_id",
    "authenticatorData": "authenticator_data",
    "clientDataJSON": "client_data",
    "signature": "signature",
}


class NotThisStatement(InvalidInput):
    """The assertion is over something else: another request, amount, person, reason or decision."""

    def __init__(self) -> None:
        super().__init__(
            "what was signed is not this statement",
            field="assertion",
            code="ASSERTION_NOT_THIS_STATEMENT",
        )


class BadAssertion(InvalidInput):
    """The assertion does not hold, whatever it is over."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="assertion", code="BAD_ASSERTION")


def challenge_of(statement: bytes) -> bytes:
    """What is signed for a statement, given its RFC 8785 bytes."""
    return hashlib.sha256(statement).digest()


def check_assertion(assertion: Assertion, statement: bytes, key: PasskeyKey) -> int:
    """The authenticator's sign count (0 where it keeps none), if ``key`` signed ``statement``.

    Raises ``NotThisStatement``, else ``BadAssertion``: type, origin, relying party, presence and
    verification of the user, signature. Whether the count has grown is for whoever knows the last one.
    """
    # Loads OpenSSL and certificate handling: whoever verifies a bundle without passkeys does not wait for it.
    from webauthn import verify_authentication_response  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    _require_challenge(assertion, statement)
    if assertion.credential_id != key.credential_id:
        raise BadAssertion("signed with another passkey than the one it names")
    credential_id = encode_base64url(assertion.credential_id)
    try:
        verified = verify_authentication_response(
            credential={
                "id": credential_id,
                "rawId": credential_id,
                "type": "public-key",
                "response": assertion.json(),
            },
            expected_challenge=challenge_of(statement),
            expected_rp_id=key.party.id,
            expected_origin=key.party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, LookupError) as error:
        raise BadAssertion(f"the assertion does not hold: {error}") from error
    return verified.new_sign_count


def _require_challenge(assertion: Assertion, statement: bytes) -> None:
    try:
        said: Any = json.loads(assertion.client_data)["challenge"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BadAssertion("clientDataJSON cannot be read") from error
    if said != encode_base64url(challenge_of(statement)):
        raise NotThisStatement
