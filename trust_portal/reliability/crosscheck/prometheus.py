"""Asks a Prometheus over its HTTP API, bounded in time, size and number; never within a transaction.

Whatever goes wrong on the way is a reading that says so: an answer decides nothing but by its figures.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import aiohttp

from trust_portal.errors import InvalidInput
from trust_portal.kernel.clock import Clock
from trust_portal.reliability.crosscheck.answers import (
    MALFORMED,
    REFUSED,
    UNREACHABLE,
    Unreadable,
    read_answer,
    read_counter,
)
from trust_portal.reliability.crosscheck.credentials import Admission
from trust_portal.reliability.crosscheck.model import CounterReading, Failure, Question, SourceReading
from trust_portal.reliability.crosscheck.promql import Query, queries_of

#: A quarter's hourly counts of one series are about 50 KB.
MOST_BYTES: Final = 1024 * 1024
#: Seconds for everything that one objective asks.
PATIENCE: Final = 20.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=10.0)
#: Requests to one address under way at a time: a run over all tenants must not flood a source.
_AT_A_TIME: Final = 8
#: In words that stay the same from one attempt to the next; the first that fits.
_LOST: Final = (
    ((TimeoutError,), "no answer in time"),
    ((aiohttp.InvalidURL, UnicodeError), "no such address"),
    ((aiohttp.ClientConnectorError,), "no connection could be made"),
    (
        (aiohttp.ClientPayloadError, aiohttp.ClientResponseError, aiohttp.ServerDisconnectedError),
        "what answers does not speak HTTP, or broke off",
    ),
    ((aiohttp.ClientError, OSError), "the connection was lost"),
)
_ANY_LOSS: Final = (aiohttp.ClientError, OSError, UnicodeError, TimeoutError)


class Prometheus:
    """The second source."""

    def __init__(self, clock: Clock, admission: Admission, *, patience: float = PATIENCE) -> None:
        self._clock = clock
        self.admission = admission
        self._patience = patience
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_A_TIME))
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def read(self, questions: Sequence[Question]) -> tuple[SourceReading, ...]:
        """A reading of each question, in their order. Never raises for what a source does."""
        return tuple(await asyncio.gather(*(self._read(each) for each in questions)))

    def _session(self) -> aiohttp.ClientSession:
        """Made where the event loop runs. No proxy and no .netrc of the environment, and no cookies."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=_TIMEOUT,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"accept": "application/json", "accept-encoding": "identity"},
            )
        return self._http

    async def _read(self, question: Question) -> SourceReading:
        counters: tuple[CounterReading, ...] = ()
        failure: Failure | None = None
        try:
            headers = self.admission.headers(question.definition)
            async with asyncio.timeout(self._patience):
                counters = await self._counters(question, headers)
        except Unreadable as unreadable:
            failure = unreadable.failure
        except InvalidInput as refused:
            failure = Failure(REFUSED, refused.message)
        except TimeoutError:
            failure = Failure(UNREACHABLE, f"no answer within {self._patience:g} seconds")
        return question.answered(self._clock.now(), counters, failure)

    async def _counters(self, question: Question, headers: dict[str, str]) -> tuple[CounterReading, ...]:
        asked = [
            asyncio.ensure_future(self._ask(question.definition.url, query, headers))
            for counter in question.counters
            for query in queries_of(question.definition, counter, question.span)
        ]
        try:
            answers = await asyncio.gather(*asked)
        finally:
            for each in asked:
                each.cancel()
        return tuple(
            read_counter(counter.name, [each for each in answers if each[0].counter == counter.name])
            for counter in question.counters
        )

    async def _ask(
        self, url: str, query: Query, headers: dict[str, str]
    ) -> tuple[Query, dict[datetime, int]]:
        async with self._places[url]:
            try:
                async with self._session().post(
                    f"{url}{query.path}", data=query.parameters, headers=headers, allow_redirects=False
                ) as answer:
                    body = await _bounded(answer)
            except _ANY_LOSS as error:
                words = next(said for kinds, said in _LOST if isinstance(error, kinds))
                raise Unreadable(UNREACHABLE, words) from error
        # Nothing is followed to another address.
        if 300 <= answer.status < 400:
            raise Unreadable(REFUSED, f"it answered HTTP {answer.status}; other addresses are not followed")
        return query, read_answer(query, answer.status, body)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise Unreadable(MALFORMED, "it answered compressed, which it was not asked for")
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise Unreadable(MALFORMED, f"it answered with more than {MOST_BYTES // 1024} KiB")
    return bytes(body)
