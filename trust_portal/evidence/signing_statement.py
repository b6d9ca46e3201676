"""What is signed when a person signs a document by passkey: the same bytes in the page and here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from trust_portal.kernel.canonical import Json

TYPE: Final = "urn:trustportal:signing-statement:v1"
SIGN: Final = "sign"


def signing_statement(
    about: UUID, version: int, digest: str, rationale: str, person_id: UUID, person_name: str
) -> Mapping[str, Json]:
    """Strings only. ``digest`` (hex SHA-256) is of the document's bytes, ``about`` the id of what it is of.

    ``request`` and ``decision`` are how every statement names what it is about and the act it is for.
    """
    return {
        "type": TYPE,
        "request": str(about),
        "decision": SIGN,
        "version": str(version),
        "digest": digest,
        "rationale": rationale,
        "person": {"id": str(person_id), "name": person_name},
    }
