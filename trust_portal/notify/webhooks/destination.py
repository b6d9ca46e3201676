"""Where a webhook may go: to public addresses over https, and to networks the operator has named.

An endpoint's URL is a customer's word, and our servers stand inside the vendor's network: a URL
that leads back there would lend our position to whoever wrote it (server-side request forgery).
So the name is resolved once, each address is looked at, and the connection goes to an address that
was looked at and to no other.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from trust_portal.errors import InvalidInput

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LONGEST_URL: Final = 500
_PORTS: Final = {"http": 80, "https": 443}
#: RFC 6052 §2.1: what stands behind it is the IPv4 address in its low bits.
_NAT64: Final = IPv6Network("64:ff9b::/96")
#: Global by their numbers, and still nobody's web server: tunnels (RFC 3056), and the address at which
#: a cloud answers its own machines.
_NEVER: Final = (IPv6Network("2002::/16"), IPv4Network("168.63.129.16/32"))


class Unreachable(Exception):
    """The name leads nowhere, or where no webhook may go. The message is for whoever set it up."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and the addresses that may be connected to for it, in the order to try them."""

    url: str
    host: str
    authority: str
    addresses: tuple[Address, ...]

    def pinned(self, address: Address) -> str:
        """The URL with the address in place of the name."""
        parts = urlsplit(self.url)
        host = f"[{address}]" if address.version == 6 else str(address)
        return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()


def require_url(url: str, networks: Sequence[Network] = ()) -> SplitResult:
    """What can be said of a URL without asking anybody. Raises ``InvalidInput`` (field ``url``)."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise _refused(f"a URL has at most {LONGEST_URL} visible ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("this is no URL") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _refused("write a URL that begins with https://")
    if "@" in parts.netloc or parts.fragment or "\\" in url:
        raise _refused("write a URL without a user, a password and a #fragment")
    if port == 0:
        raise _refused("there is no port 0")
    if parts.scheme == "http" and not networks:
        raise _refused("write a URL that begins with https://")
    literal = _literal(parts.hostname)
    if literal is not None and not may_go(literal, networks):
        raise _refused("this address is not a public one")
    return parts


def may_go(address: Address, networks: Sequence[Network] = ()) -> bool:
    """Whether a webhook may be sent to ``address``: it is public, or in one of the operator's networks."""
    address = _behind(address)
    if _named(address, networks):
        return True
    if _named(address, _NEVER):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


async def resolve(url: str, networks: Sequence[Network] = ()) -> Target:
    """The addresses behind ``url``, once each has been looked at. Raises ``Unreachable``.

    One address that no webhook may go to spoils the name: a resolver that mixes them is up to something.
    """
    try:
        parts = require_url(url, networks)
    except InvalidInput as refusal:
        raise Unreachable(refusal.message) from refusal
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"the name {host} is not known") from error
    addresses = tuple(dict.fromkeys(ip_address(str(each[4][0]).partition("%")[0]) for each in found))
    if not addresses or not all(may_go(each, networks) for each in addresses):
        raise Unreachable(f"{host} leads to an address that is not a public one")
    if parts.scheme == "http" and not all(_named(_behind(each), networks) for each in addresses):
        raise Unreachable("http:// is for the operator's own networks; use https://")
    return Target(url, host, parts.netloc, addresses)


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """``WEBHOOK_NETWORKS`` as networks."""
    return tuple(ip_network(text) for text in texts)


def _named(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _behind(address: Address) -> Address:
    """The IPv4 address that is reached through this one, or itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="url")
