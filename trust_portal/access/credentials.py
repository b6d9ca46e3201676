"""Bearer secrets that carry their tenant, so that each is looked up inside that tenant's scope.

======================  ==================================================================
session cookie, link    ``<tenant, 32 hex>.<secret, 43 base64url>``
API token               ``tp_<tenant, 32 hex>_<secret, 43 base62><CRC-32, 6 base62>``
======================  ==================================================================

Each secret holds at least 256 bits; stored is only its SHA-256, for which a slow hash would add
nothing. The checksum lets secret scanners tell a real token from a look-alike without asking us.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

_BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_COOKIE: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")
_TOKEN: Final = re.compile(r"tp_([0-9a-f]{32})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class Credential:
    """A tenant and a secret. The secret never appears in a log or a repr."""

    tenant_id: UUID
    secret: str = field(repr=False)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the secret, as stored."""
        return hashlib.sha256(self.secret.encode("ascii")).digest()

    def as_cookie(self) -> str:
        return f"{self.tenant_id.hex}.{self.secret}"

    def as_token(self) -> str:
        body = f"tp_{self.tenant_id.hex}_{self.secret}"
        return body + _checksum(body)


def new_cookie(tenant_id: UUID) -> Credential:
    """A fresh secret for a session or a sign-in link."""
    return Credential(tenant_id, secrets.token_urlsafe(32))


def new_token(tenant_id: UUID) -> Credential:
    """A fresh secret for an API token."""
    return Credential(tenant_id, "".join(secrets.choice(_BASE62) for _ in range(43)))


def parse_cookie(text: str) -> Credential | None:
    """The credential in a cookie or link; None for anything that is not one."""
    match = _COOKIE.fullmatch(text)
    return None if match is None else Credential(UUID(hex=match[1]), match[2])


def parse_token(text: str) -> Credential | None:
    """The credential in an API token; None for anything that is not one, also a wrong checksum."""
    match = _TOKEN.fullmatch(text)
    if match is None or _checksum(text[:-6]) != match[3]:
        return None
    return Credential(UUID(hex=match[1]), match[2])


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits
