"""A passkey of a person, and what is signed with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.evidence.act import Input
from trust_portal.evidence.assertion import Assertion, PasskeyKey
from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.names import is_readable

#: What refusals call it.
NOUN: Final = "passkey"
#: How recent a sign-in must be for what changes how somebody can sign.
FRESH: Final = timedelta(minutes=15)
#: How long a device may take to answer.
ANSWER_WITHIN: Final = timedelta(minutes=10)
#: More than anybody carries.
MOST_PASSKEYS: Final = 10


@dataclass(frozen=True, slots=True)
class Passkey:
    """As it was enrolled. ``aaguid`` names the model of the authenticator, all zero where it does not say.

    ``synced``: the key may be copied between its owner's devices (WebAuthn §6.1.3, backup eligible).
    ``brought_by``: who made the links by which its owner had come in when enrolling it; any of them could
    have been the one who did.
    """

    id: UUID
    tenant_id: UUID
    person_id: UUID
    name: str
    key: PasskeyKey
    algorithm: int
    aaguid: str
    synced: bool
    sign_count: int
    enrolled_at: datetime
    receipt_id: UUID
    brought_by: frozenset[UUID] = frozenset()
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NameOfPasskey:
    """Command: begin to enrol a passkey under this name, so that its owner tells it from others."""

    name: str

    def __post_init__(self) -> None:
        name = self.name.strip()
        if not 1 <= len(name) <= 60 or not is_readable(name):
            raise InvalidInput("give it a name of 1 to 60 characters, like “Work laptop”", field="name")
        object.__setattr__(self, "name", name)


@dataclass(frozen=True, slots=True)
class Ceremony:
    """An enrolment under way: ``options`` is what the browser is handed (WebAuthn §5.4), as JSON text."""

    id: UUID
    name: str
    options: str


@dataclass(frozen=True, slots=True)
class FinishEnrolment:
    """Command: ``credential`` is what the browser gave, as JSON text (``RegistrationResponseJSON``)."""

    ceremony_id: UUID
    credential: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement that a passkey of ``passkey.person_id`` has signed, checked; not on record yet.

    ``enrolment_sha256`` is that of the receipt by which the passkey was enrolled.
    """

    passkey: Passkey
    enrolment_sha256: str
    statement: Mapping[str, Json]
    assertion: Assertion

    @property
    def bytes(self) -> bytes:
        return canonical(self.statement)


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """What a tenant's rows have as a signature: a claim, until it is checked against the passkey's own key.

    ``withdrawn``: the tenant's log knows that the passkey was revoked.
    """

    passkey_id: UUID
    authenticator_data: bytes
    client_data: bytes
    signature: bytes
    withdrawn: bool

    def by(self, key: PasskeyKey) -> Assertion:
        return Assertion(key.credential_id, self.authenticator_data, self.client_data, self.signature)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature on record. ``result`` goes into the receipt of the act, ``inputs`` among what it rests on."""

    id: UUID
    result: Mapping[str, Json]
    inputs: tuple[Input, ...]
