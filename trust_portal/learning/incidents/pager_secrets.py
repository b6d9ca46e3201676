"""What proves that an alarm comes from its pager: a token that we derive, or the secret that it made.

A token is HMAC-SHA256 under the installation's key for webhooks over a label, the source and the
generation: it is in no row. PagerDuty makes its secret itself, so that one is stored, sealed under a key
derived likewise (XSalsa20-Poly1305).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from trust_portal.errors import Broken
from trust_portal.learning.incidents.integrations_model import Integration

_TOKEN: Final = b"trust-portal/alarm-token/v1"
_SEAL: Final = b"trust-portal/alarm-seal/v1"


@dataclass(frozen=True, slots=True)
class PagerSecrets:
    """``seed`` is that of the installation's key for webhooks (32 bytes)."""

    seed: bytes = field(repr=False)

    def token(self, source: str, generation: int) -> str:
        """What Alertmanager sends as bearer token, or as password."""
        content = b"\n".join((_TOKEN, source.encode(), str(generation).encode()))
        made = hmac.digest(self.seed, content, hashlib.sha256)
        return "tpa_" + base64.urlsafe_b64encode(made).decode().rstrip("=")

    def seal(self, source: str, secret: str) -> bytes:
        return bytes(self._box(source).encrypt(secret.encode()))

    def secret(self, integration: Integration) -> bytes:
        """The secret PagerDuty signs with; ``Broken`` where another key sealed it."""
        if integration.sealed is None:
            raise Broken("a pager without its secret", code="NO_SECRET")
        try:
            return bytes(self._box(integration.source).decrypt(integration.sealed))
        except CryptoError as error:
            raise Broken("the pager's secret was sealed under another key", code="FOREIGN_KEY") from error

    def _box(self, source: str) -> SecretBox:
        return SecretBox(hmac.digest(self.seed, b"\n".join((_SEAL, source.encode())), hashlib.sha256))
