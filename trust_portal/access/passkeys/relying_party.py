"""Whom passkeys are made for, from the address under which people reach the portal."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from trust_portal.errors import InvalidInput
from trust_portal.evidence.assertion import RelyingParty

_FIELD = "BASE_URL"


def relying_party(base_url: str, domain: str | None = None) -> RelyingParty:
    """``domain`` (``PASSKEY_DOMAIN``) may be the host of ``base_url`` or one above it; else it is the host.

    Raises ``InvalidInput`` where browsers would make no passkey: not https (but for ``localhost``), or
    an address of numbers instead of a name (WebAuthn §5.1.2 steps 7 and 8; RP ID is a domain, §4).
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    if not host or _is_address(host):
        raise InvalidInput(
            "passkeys are bound to a name: let BASE_URL name the portal, not an address of numbers",
            field=_FIELD,
        )
    if parts.scheme != "https" and not _is_local(host):
        raise InvalidInput(
            "browsers make passkeys over https only: BASE_URL must begin with https://", field=_FIELD
        )
    chosen = (domain or host).lower()
    if chosen != host and not (host.endswith(f".{chosen}") and "." in chosen):
        raise InvalidInput(
            f"passkeys made at {host} can be bound to {host} or a domain above it, not to {chosen}",
            field="PASSKEY_DOMAIN",
        )
    return RelyingParty(chosen, _origin(parts.scheme, host, parts.port))


def _origin(scheme: str, host: str, port: int | None) -> str:
    """As browsers write it (RFC 6454 §6.2): without the port that goes without saying."""
    usual = {"https": 443, "http": 80}[scheme]
    return f"{scheme}://{host}" + ("" if port in {None, usual} else f":{port}")


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
