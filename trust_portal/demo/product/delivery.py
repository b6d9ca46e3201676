"""Brings events to the portal, as any producer would: NDJSON, a bearer token, and again when unsure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from trust_portal.errors import Refused

#: Seconds until the next attempt, when the portal is away or asks for patience.
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(slots=True)
class Tally:
    """What the portal answered so far."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    first_rejection: dict[str, Any] | None = field(default=None)

    def add(self, answer: dict[str, Any]) -> None:
        self.accepted += answer["accepted"]
        self.duplicates += answer["duplicates"]
        self.rejected += len(answer["rejected"]) + answer.get("rejected_unlisted", 0)
        self.first_rejection = self.first_rejection or next(iter(answer["rejected"]), None)


async def deliver(client: httpx.AsyncClient, lines: Sequence[bytes], tally: Tally) -> None:
    """Send until the portal has answered for every event.

    Raises ``Refused`` where trying again cannot help (the token is not accepted).
    """
    body = b"\n".join(lines)
    attempt = 0
    while True:
        answer = await _post(client, body)
        if answer is not None and not _unsure(answer):
            tally.add(answer)
            return
        await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        attempt += 1


async def _post(client: httpx.AsyncClient, body: bytes) -> dict[str, Any] | None:
    try:
        response = await client.post(
            "/events", content=body, headers={"content-type": "application/x-ndjson"}
        )
    except httpx.TransportError:
        return None
    if response.status_code in {429, 502, 503, 504}:
        return None
    if not response.is_success:
        raise Refused(
            f"the portal answers {response.status_code}: {response.text[:300]}", code="EVENTS_REFUSED"
        )
    answer: dict[str, Any] = response.json()
    return answer


def _unsure(answer: dict[str, Any]) -> bool:
    """Whether the portal could not store some of them: sending all again costs nothing but time."""
    return any(each["code"] == "UNAVAILABLE" for each in answer["rejected"])
