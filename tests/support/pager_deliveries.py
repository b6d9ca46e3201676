"""What pagers deliver to the portal's door, and the gaps that come of it."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import httpx
from support.portal_fixtures import Portal
from support.portal_world import NOW

from trust_portal.kernel.clock import rfc3339

SECRET = "made by PagerDuty"
PAGER = "/webhooks/in/pagerduty/main"


def at(minutes: int) -> str:
    return rfc3339(NOW + timedelta(minutes=minutes))


def paged(type_: str, id_: str, minutes: int = -10, **data: Any) -> bytes:
    said = {
        "id": "Q1",
        "created_at": at(-20),
        "title": "Disk full",
        "priority": {"summary": "P1"},
        "service": {"summary": "storage"},
    }
    type_ = type_ if "." in type_ else f"incident.{type_}"
    event = {"id": id_, "event_type": type_, "occurred_at": at(minutes), "data": said | data}
    return json.dumps({"event": event}).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-pagerduty-signature": "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def set_up(browser: httpx.AsyncClient, kind: str, name: str, **more: str) -> str:
    """The page of a new pager."""
    form = {"kind": kind, "name": name, "reason": "It wakes us", "secret": ""} | more
    sent = await browser.post("/incidents/integrations", data=form)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


async def gaps(portal: Portal) -> list[tuple[str, str, str | None]]:
    async with portal.browser("pmo") as browser:
        rows = csv.DictReader(StringIO((await browser.get("/switchboard/coverage.csv")).text))
    return [
        (row["name"], row["cover"], row["worst_severity"] or None)
        for row in rows
        if row["cover"] not in {"signed", "merged", "unsigned"}
    ]
