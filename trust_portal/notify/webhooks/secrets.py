"""Secrets of endpoints: derived, never stored.

The secret of an endpoint's n-th generation is HMAC-SHA256 under the installation's key for
webhooks over ``trust-portal/webhook-secret/v1``, tenant, endpoint and n: it is in no row and no
backup of the database, and whoever reads those can sign nothing. It is shown once all the same:
whoever missed it rotates.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.notify.standard_webhooks import Ed25519Private, Ed25519Public, HmacSecret, WebhookSigner
from trust_portal.notify.webhooks.model import Endpoint

_LABEL: Final = b"trust-portal/webhook-secret/v1"
_FINGERPRINT = 16


@dataclass(frozen=True, slots=True)
class EndpointSecrets:
    """``seed`` is that of the installation's key for webhooks (32 bytes)."""

    seed: bytes = field(repr=False)

    def secret(self, tenant_id: UUID, endpoint_id: UUID, generation: int) -> HmacSecret:
        content = _LABEL + tenant_id.bytes + endpoint_id.bytes + generation.to_bytes(4, "big")
        return HmacSecret(hmac.digest(self.seed, content, hashlib.sha256))

    @property
    def public(self) -> Ed25519Public:
        """The installation's public key, for receivers that take signatures without a shared secret."""
        return Ed25519Private(self.seed).public

    def knows(self, endpoint: Endpoint) -> bool:
        """Whether the key is the one that the endpoint's secret was made from."""
        made = self.secret(endpoint.tenant_id, endpoint.id, endpoint.generation)
        return fingerprint(made) == endpoint.fingerprint

    def signers(self, endpoint: Endpoint, now: datetime) -> tuple[WebhookSigner, ...]:
        """The secret that holds, the one before as long as it may still be in use, and the public key's."""
        signers: list[WebhookSigner] = [self.secret(endpoint.tenant_id, endpoint.id, endpoint.generation)]
        if endpoint.previous_until is not None and now < endpoint.previous_until:
            signers.append(self.secret(endpoint.tenant_id, endpoint.id, endpoint.generation - 1))
        return (*signers, Ed25519Private(self.seed))


def fingerprint(secret: HmacSecret) -> str:
    """Enough of a digest to tell one secret from another, and nothing of it."""
    return hashlib.sha256(secret.secret).hexdigest()[:_FINGERPRINT]
