"""One POST to one endpoint: to an address that was looked at, bounded in time and size, nothing followed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final

import httpx

from trust_portal import __version__
from trust_portal.kernel.names import readable_line
from trust_portal.notify.model import Answer, Verdict
from trust_portal.notify.webhooks.destination import Network, Target, Unreachable, resolve

#: Seconds for everything: name, connection, request and what is read of the answer.
PATIENCE: Final = 20.0
_TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
#: Of an answer only its beginning is read and kept.
_MAX_BYTES: Final = 2048
_MAX_WORDS: Final = 300
_GONE: Final = 410
_BUSY: Final = frozenset({429, 503})
#: In words that stay the same from one attempt to the next.
_LOST: Final = (
    (httpx.TimeoutException, "no answer in time"),
    (httpx.ConnectError, "no connection could be made"),
    (httpx.ProtocolError, "what answers does not speak HTTP, or broke off"),
    (httpx.NetworkError, "the connection was lost"),
)
AGENT: Final = f"Trust-Portal-Webhooks/{__version__}"


@cache
def _trusting_the_system() -> ssl.SSLContext:
    """Read once a process: it is a hundred and fifty certificates."""
    return ssl.create_default_context()


class Sender:
    """``networks`` are the operator's own; ``context`` replaces the system's trust in certificates."""

    def __init__(
        self,
        networks: Sequence[Network] = (),
        *,
        context: ssl.SSLContext | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.networks = tuple(networks)
        self._context = context or _trusting_the_system()
        self._patience = patience

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Delivered is any status from 200 to 299; 410 says never again. Raises nothing for what is out there."""
        try:
            async with asyncio.timeout(self._patience):
                target = await resolve(url, self.networks)
                return await self._post(target, headers, body)
        except Unreachable as unreachable:
            return Answer(Verdict.FAILED, str(unreachable))
        except TimeoutError:
            return Answer(Verdict.FAILED, "no answer in time")

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        answer = Answer(Verdict.FAILED, "no connection could be made")
        # A new connection each time: one that is kept could outlive what its address was looked at for.
        async with httpx.AsyncClient(
            verify=self._context, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        ) as http:
            for address in target.addresses:
                request = http.build_request(
                    "POST",
                    target.pinned(address),
                    content=body,
                    headers={
                        **headers,
                        "host": target.authority,
                        "user-agent": AGENT,
                        "accept-encoding": "identity",
                    },
                    # The certificate must be the name's, wherever it lives.
                    extensions={"sni_hostname": target.host},
                )
                try:
                    return await self._exchange(http, request, str(address))
                except httpx.ConnectError as error:
                    answer = Answer(Verdict.FAILED, _connecting(error), peer=str(address))
                except httpx.TransportError as error:
                    words = next(
                        (words for kind, words in _LOST if isinstance(error, kind)), "it did not work"
                    )
                    return Answer(Verdict.FAILED, words, peer=str(address))
        return answer

    async def _exchange(self, http: httpx.AsyncClient, request: httpx.Request, peer: str) -> Answer:
        response = await http.send(request, stream=True)
        try:
            beginning = b""
            async for part in response.aiter_raw():
                beginning += part
                if len(beginning) >= _MAX_BYTES:
                    break
        finally:
            await response.aclose()
        status = response.status_code
        said = readable_line(beginning[:_MAX_BYTES].decode("utf-8", "replace"), _MAX_WORDS)
        if response.is_success:
            return Answer(Verdict.DELIVERED, said, status, peer)
        if response.is_redirect:
            said = "it leads elsewhere, and nothing is followed; write down the address it leads to"
        wish = _retry_after(response.headers) if status in _BUSY else None
        return Answer(Verdict.FAILED, said, status, peer, final=status == _GONE, retry_after=wish)


def _connecting(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return readable_line(f"its certificate is not trusted: {cause.verify_message}", _MAX_WORDS)
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection could be made"
        cause = cause.__cause__ or cause.__context__
    return "no connection could be made"


def _retry_after(headers: httpx.Headers) -> int | None:
    """Seconds, from either form of RFC 9110 §10.2.3; a date counts from the answer's own."""
    wish = headers.get("retry-after", "")
    if wish.isascii() and wish.isdecimal():
        return int(wish[:9])
    try:
        until, said = (parsedate_to_datetime(text) for text in (wish, headers.get("date", "")))
        return max(0, int((until - said).total_seconds()))
    except (ValueError, TypeError):
        return None
