"""CloudEvents of the product as NDJSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from trust_portal.demo.scene import SOURCE


class Line(NamedTuple):
    """One event, ready to send; ``time`` is when it happened."""

    time: datetime
    content: bytes


def line(department: str, event_id: str, kind: str, time: datetime, data: Mapping[str, Any]) -> Line:
    """``department`` of the product speaks; ``kind`` is the event's type without prefix and version."""
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE + department,
        "type": f"trustportal.{kind}.v1",
        "time": rfc3339(time),
        "data": data,
    }
    return Line(time, msgspec.json.encode(event))


def rfc3339(time: datetime) -> str:
    """``time`` is in UTC. Half a million are written in a few seconds, hence no ``strftime``."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
