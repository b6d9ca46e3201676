"""Global ids: opaque outside, ``Type:tenant:id`` inside, checked against the tenant when decoded.

The tenant in an id is a claim, not an authority. It decides in whose scope the look-up is made;
the service's gate decides whether the actor may look there, and a foreign one is "no such thing".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

import strawberry

from trust_portal.errors import NotFound


@dataclass(frozen=True, slots=True)
class GlobalId:
    kind: str
    tenant_id: UUID
    id: UUID


@strawberry.interface(description="Whatever has a global id by which `node` finds it again.")
class Node:
    id: strawberry.ID


def encode(kind: str, tenant_id: UUID, id: UUID) -> strawberry.ID:
    """An opaque id; unpadded base64url, so that it also fits a URL."""
    raw = b"".join((kind.encode(), b":", tenant_id.bytes, id.bytes))
    return strawberry.ID(base64.urlsafe_b64encode(raw).decode().rstrip("="))


def decode(text: str, kind: str | None = None, *, field: str = "id") -> GlobalId:
    """What ``encode`` made. Anything else is ``NotFound``: an id is never explained to a guesser."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        name, colon, rest = raw.partition(b":")
        if not colon or len(rest) != 32:
            raise ValueError("not of ours")
        found = GlobalId(name.decode("ascii"), UUID(bytes=rest[:16]), UUID(bytes=rest[16:]))
    except (binascii.Error, ValueError) as error:
        raise NotFound(kind or "node", field=field) from error
    if kind is not None and found.kind != kind:
        raise NotFound(kind, field=field)
    return found
