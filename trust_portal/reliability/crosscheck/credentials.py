"""What a second source wants to know of whoever asks: kept by the installation, referred to by name.

Settings of a source, their receipts and what people see hold the name only. Each credential belongs to
one origin (RFC 6454), so that nobody can have it sent elsewhere by changing an address.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from trust_portal.errors import InvalidInput
from trust_portal.reliability.crosscheck.model import SourceDefinition


@dataclass(frozen=True, slots=True)
class Credential:
    """``bearer``, or ``username`` and ``password``; sent to ``origin`` only."""

    origin: str
    bearer: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        if self.bearer is not None:
            return {"authorization": f"Bearer {self.bearer}"}
        request = httpx.Request("GET", "http://unsent.invalid")
        auth = httpx.BasicAuth(self.username or "", self.password or "")
        return {"authorization": next(auth.sync_auth_flow(request)).headers["authorization"]}


@dataclass(frozen=True, slots=True)
class Admission:
    """Which sources may be asked, and with what: ``hosts`` (all where empty) and the file of credentials."""

    hosts: tuple[str, ...] = ()
    file: Path | None = None

    def headers(self, definition: SourceDefinition) -> dict[str, str]:
        """What to send to the source. Raises ``InvalidInput`` naming ``url`` or ``credential``.

        The file is read each time, so that a changed secret counts at once.
        """
        parts = urlsplit(definition.url)
        names = {parts.hostname, f"{parts.hostname}:{parts.port}"}
        if self.hosts and not names & set(self.hosts):
            raise InvalidInput(
                f"this installation asks only {', '.join(self.hosts)} (CROSS_CHECK_HOSTS)", field="url"
            )
        if definition.credential is None:
            return {}
        credential = self._known().get(definition.credential)
        if credential is None:
            raise InvalidInput(
                f"this installation knows no credential {definition.credential!r} (CROSS_CHECK_CREDENTIALS)",
                field="credential",
            )
        if credential.origin != _origin(definition.url):
            raise InvalidInput(
                f"the credential {definition.credential!r} is for another origin than this address",
                field="credential",
            )
        return credential.headers()

    def _known(self) -> dict[str, Credential]:
        if self.file is None:
            return {}
        try:
            entries = json.loads(self.file.read_bytes())
            return {name: _credential(entry) for name, entry in entries.items()}
        except (OSError, ValueError, AttributeError, LookupError, TypeError, RecursionError) as error:
            # The text of the error could hold a part of the file.
            raise InvalidInput(
                f"the file of credentials cannot be used ({type(error).__name__})", field="credential"
            ) from None


def _credential(entry: dict[str, Any]) -> Credential:
    credential = Credential(
        _origin(entry["origin"]), entry.get("bearer"), entry.get("username"), entry.get("password")
    )
    for value in (credential.bearer, credential.username, credential.password):
        if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable()):
            raise ValueError("not a text that a header can carry")
    if (credential.bearer is None) == (credential.username is None):
        raise ValueError("either bearer, or username and password")
    return credential


def _origin(url: str) -> str:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or default}"
