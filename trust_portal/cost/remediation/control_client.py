"""The line to the vendor's product: one signed call, one answer, both bounded.

It decides nothing and repeats nothing; whatever goes wrong on the way is an answer that says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx

from trust_portal.cost.remediation.calls import MOST_BYTES, Answer, ControlCall, no_answer, read_answer
from trust_portal.kernel.clock import Clock
from trust_portal.notify.standard_webhooks import WebhookSigner, sign_webhook

#: How long an answer may take, seconds. The kill switch waits as long for a call that is on its way.
PATIENCE: Final = 10.0


class ControlClient:
    """``url`` None: there is no product to call, and nothing may be executed."""

    def __init__(self, url: str | None, signers: Sequence[WebhookSigner], clock: Clock) -> None:
        self._url = url
        self._signers = signers
        self._clock = clock
        self._client: httpx.AsyncClient | None = None

    @property
    def is_connected(self) -> bool:
        return self._url is not None

    async def send(self, call: ControlCall) -> Answer:
        """One attempt. Never raises for what the product or the network does."""
        if self._url is None:
            return no_answer("CONTROL_URL is not set")
        body = call.body
        headers = sign_webhook(call.key, self._clock.now(), body, self._signers)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._exchange(self._url, body, headers)
        except TimeoutError:
            return no_answer(f"it did not answer within {PATIENCE:.0f} seconds")
        except httpx.HTTPError as error:
            return no_answer(f"it could not be reached ({type(error).__name__})")

    async def _exchange(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._client is None:
            # No proxies and no passwords from the environment: the address is the operator's own.
            self._client = httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=False)
        # Nothing compressed: a small answer could unpack to a large one.
        sent = headers | {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
        }
        async with self._client.stream("POST", url, content=body, headers=sent) as response:
            received = bytearray()
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > MOST_BYTES:
                    return no_answer(f"it answered more than {MOST_BYTES // 1024} KiB")
        return read_answer(response.status_code, bytes(received))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
