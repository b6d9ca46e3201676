"""What is told of the P1 and the P2, in which words. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from trust_portal.kernel.clock import rfc3339
from trust_portal.learning.gameday.model import SOURCE, GameDay

_SERVICE: Final = "game-day"
P1_TITLE: Final = "Game day: an export runs away"
P2_TITLE: Final = "Game day: sign-in is slow"
P2_NOTE: Final = "Game day: a cache was cold; we warm it"
P2_MITIGATED: Final = "Game day: the cache is warm"
P2_RESOLVED: Final = "Game day: sign-in is as fast as before"
RESOLVED: Final = "Game day: exports run as before"
BY_HAND: Final = "Game day: mitigated by hand"
#: Begins the note that names the run of the playbook, so that a later look finds it.
ASKED: Final = "Game day: asked for playbook run "


def declared(day: GameDay, owner: str, at: datetime) -> dict[str, Any]:
    """The P1, as an event."""
    data = {
        "severity": "P1",
        "title": P1_TITLE,
        "service": _SERVICE,
        "owner": owner,
        "began_at": rfc3339(at),
        "detected_at": rfc3339(at),
        "tenants": [day.tenant],
    }
    return _event(day, "declared", "declared", at, data)


def noted(day: GameDay, name: str, text: str, at: datetime, *, kind: str = "note") -> dict[str, Any]:
    """A line of its timeline; ``name`` tells it from others of the same game day."""
    return _event(day, "updated", name, at, {"kind": kind, "text": text, "key": kind == "mitigation"})


def stepped(day: GameDay, step: str, text: str, at: datetime) -> dict[str, Any]:
    """``step``: mitigated or resolved."""
    return _event(day, step, step, at, {"at": rfc3339(at), "text": text})


def p2_input(day: GameDay, at: datetime) -> dict[str, Any]:
    """The P2, as ``declareIncident`` takes it."""
    return {
        "title": P2_TITLE,
        "severity": "P2",
        "service": _SERVICE,
        "beganAt": rfc3339(at),
        "detectedAt": rfc3339(at),
        "tenantKeys": [day.tenant],
        "key": day.p2,
    }


def _event(day: GameDay, type_: str, name: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{day.name}-{name}",
        "source": SOURCE,
        "type": f"trustportal.incident.{type_}.v1",
        "time": rfc3339(at),
        "data": {"incident": day.p1} | data,
    }
