"""Which port to listen on."""

from __future__ import annotations

import socket

from trust_portal.errors import Conflict

HOST = "127.0.0.1"
#: What people type to reach it: passkeys are bound to a name.
NAME = "localhost"
DEFAULT_PORT = 8400


def choose_port(wanted: int | None) -> int:
    """``wanted``, or 8400, or any free one where nothing was asked for and 8400 is taken.

    Raises ``Conflict`` if the port that was asked for is in use.
    """
    if wanted is not None:
        if not _is_free(wanted):
            raise Conflict(f"port {wanted} is in use; name another --port", field="port", code="PORT_IN_USE")
        return wanted
    if _is_free(DEFAULT_PORT):
        return DEFAULT_PORT
    return free_port()


def free_port() -> int:
    """One that nobody listens on now; it is nobody's until somebody does."""
    with socket.create_server((HOST, 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
