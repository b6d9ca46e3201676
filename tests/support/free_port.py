"""A port for a server that must be told one; servers that can choose bind port 0 themselves."""

from __future__ import annotations

import socket

from trust_portal.runtime.ports import HOST


def free_port() -> int:
    """One that nobody listens on. Never the product's own default, which another test may be asking for."""
    with socket.create_server((HOST, 0)) as found:
        port: int = found.getsockname()[1]
        return port
