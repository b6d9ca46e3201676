"""``POST /webhooks/in/…``: alarms of PagerDuty (V3) and Alertmanager (version 4)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trust_portal.errors import NotFound, TooLarge
from trust_portal.facts.events import AlarmSource
from trust_portal.learning.incidents.integrations_model import Reception
from trust_portal.web.context import house_of

_MOST_BYTES: Final = 1 << 20
_STATUS: Final = {Reception.UNMATCHED: 202}


async def receive(request: Request) -> Response:
    """What became of the delivery. An alarm that no rule fits is taken (202) and listed."""
    try:
        kind = AlarmSource(request.path_params["kind"])
    except ValueError:
        raise NotFound("pager") from None
    alarms, name = house_of(request).alarms, request.path_params["name"]
    token = _token(request.headers.get("authorization"))
    try:
        body = await _body(request)
    except TooLarge:
        await alarms.refuse(kind, name, token=token)
        raise
    reception = await alarms.receive(
        kind,
        name,
        body,
        signature=request.headers.get("x-pagerduty-signature"),
        token=token,
    )
    return JSONResponse({"alarm": reception.value}, status_code=_STATUS.get(reception, 200))


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BYTES:
            raise TooLarge(f"an alarm has at most {_MOST_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _token(header: str | None) -> str | None:
    """The bearer token, or the password of HTTP Basic (RFC 7617), whatever the name; None where there is none to read."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return pair.partition(":")[2]
    return None


routes = [Route("/webhooks/in/{kind}/{name}", receive, methods=["POST"])]
