"""What is asked for, and the keys as they are shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.kernel.names import require_words

NOUN: Final = "signing key"
#: Endpoints' secrets are derived from the third, so it is not replaced as long as one is in use.
ROTATED: Final = (KeyPurpose.RECEIPTS, KeyPurpose.CHECKPOINTS)

_KEY_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AskKeyRotation:
    """Command: put the prepared key in the place of the one in force.

    ``key_id`` is the fingerprint that was compared; ``None``: whichever is prepared.
    """

    purpose: KeyPurpose
    reason: str
    key_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        if self.purpose not in ROTATED:
            raise InvalidInput(
                "secrets of webhooks are made from this key, so it is not rotated", field="purpose"
            )
        if self.key_id is not None and not _KEY_ID.fullmatch(self.key_id):
            raise InvalidInput("a fingerprint is 64 lower-case hexadecimal digits", field="key_id")


@dataclass(frozen=True, slots=True)
class Rotation:
    """One that was approved: ``key_id`` takes the place of ``replaces``."""

    purpose: KeyPurpose
    key_id: str
    replaces: str
    receipt_id: UUID
