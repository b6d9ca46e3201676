"""PostgreSQL and Valkey from wheels: the real servers, started beside the product, for one machine."""

from __future__ import annotations

from trust_portal.runtime.embedded.servers import Servers, embedded_servers

__all__ = ["Servers", "embedded_servers"]
