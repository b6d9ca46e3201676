"""The product's door for control calls: who speaks, whether it is from now, and what came of it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trust_portal.demo.product.journal import Journal
from trust_portal.demo.product.obedience import Answer, Call, Obedience
from trust_portal.errors import Refused, TooLarge
from trust_portal.kernel.clock import Clock
from trust_portal.notify.standard_webhooks import (
    ID,
    Ed25519Public,
    HmacSecret,
    SignatureRefused,
    WebhookVerifier,
    verify_webhook,
)

log = logging.getLogger(__name__)

KEYS: Final = "/.well-known/webhook-keys.json"
_LARGEST: Final = 64 * 1024
#: A new key may have been published since; but not oftener than this is looked.
_LOOK_AGAIN: Final = timedelta(minutes=1)


class Desk:
    """Takes control calls in: checked, written down, obeyed; each key once, whatever is killed meanwhile."""

    def __init__(
        self,
        obedience: Obedience,
        journal: Journal,
        clock: Clock,
        portal: httpx.AsyncClient,
        secret: str | None,
    ) -> None:
        self._obedience = obedience
        self._journal = journal
        self._clock = clock
        self._portal = portal
        self._shared: list[WebhookVerifier] = [] if secret is None else [HmacSecret.parse(secret)]
        self._published: list[WebhookVerifier] = []
        self._looked_at: datetime | None = None
        for call, at in journal.read():
            obedience.obey(call, at)

    async def take(self, request: Request) -> Response:
        try:
            return JSONResponse(self._answered(await self._read(request)).to_json())
        except Refused as refusal:
            log.warning("a control call was not taken in: %s", refusal.message)
            body = {"code": refusal.code, "message": refusal.message, "field": refusal.field}
            return JSONResponse(body, status_code=refusal.status)

    async def _read(self, request: Request) -> Call:
        """The call, once it is known to be the portal's. Raises ``Refused``."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST:
                raise TooLarge(f"a control call has at most {_LARGEST // 1024} KiB")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            verify_webhook(headers, body, self._verifiers, self._clock.now())
        except SignatureRefused:
            if not await self._look_for_keys():
                raise
            verify_webhook(headers, body, self._verifiers, self._clock.now())
        try:
            call = msgspec.json.decode(body, type=Call)
        except msgspec.MsgspecError as error:
            raise Refused(f"this is no control call: {error}", code="MALFORMED") from error
        if call.idempotency_key != headers[ID]:
            raise Refused("the webhook's id is the call's idempotency key", code="MALFORMED", field=ID)
        if call.expires_at.tzinfo is None:
            raise Refused("an instant needs an offset", code="MALFORMED", field="expires_at")
        return call

    def _answered(self, call: Call) -> Answer:
        """Nothing is awaited in here: what is set at a moment is set before that moment's usage is counted."""
        at = self._clock.now()
        if not (call.dry_run or self._obedience.is_known(call)):
            self._journal.write(call, at)
        return self._obedience.obey(call, at)

    @property
    def _verifiers(self) -> list[WebhookVerifier]:
        return [*self._shared, *self._published]

    async def _look_for_keys(self) -> bool:
        """Fetch what the portal publishes; whether that was done now."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < _LOOK_AGAIN:
            return False
        self._looked_at = now
        try:
            answer = await self._portal.get(KEYS)
            answer.raise_for_status()
            keys = [Ed25519Public.parse(each["public_key"]) for each in answer.json()["keys"]]
        except (httpx.HTTPError, Refused, KeyError, TypeError, ValueError) as error:
            log.warning("the portal's keys could not be had: %r", error)
            return False
        self._published = list(keys)
        return True


def control_app(desk: Desk) -> Starlette:
    """``POST /control``, and nothing else."""
    return Starlette(routes=[Route("/control", desk.take, methods=["POST"])])
