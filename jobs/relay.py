"""From the outbox to the queue server: ids only, as JSON.

A round claims what is due and what is past its lease, and tells arq. arq refuses a job id it
already has, so offering a row again is free; a queue server that forgot everything is refilled
within ``QUEUED_LEASE``. Several relays may run: rows are claimed with SKIP LOCKED.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

from jobs.stopping import to_the_end
from trust_portal.storage.backlog import Backlog
from trust_portal.storage.outbox import DEFAULT_QUEUE, DELIVERIES_QUEUE, EXPORTS_QUEUE

log = logging.getLogger(__name__)

QUEUES = (DEFAULT_QUEUE, DELIVERIES_QUEUE, EXPORTS_QUEUE)
#: What a lost queue server looks like from here.
QUEUE_LOST = (RedisError, OSError, TimeoutError)


def to_json(job: dict[str, Any]) -> bytes:
    """A job, or arq's note of what became of one; a failure of arq's own is written in words."""
    return json.dumps(job, default=_in_words).encode()


def _in_words(value: object) -> str:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    raise TypeError(f"a {type(value).__name__} does not travel: jobs are ids only")


def from_json(data: bytes) -> dict[str, Any]:
    job = json.loads(data)
    if not isinstance(job, dict):
        raise ValueError("a job is a JSON object")
    return job


def queue_settings(url: str) -> RedisSettings:
    """Arq's settings for ``REDIS_URL``; it gives up quickly, because our loops try again."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 0
    return settings


class Relay:
    """Hands rows over to the queue server and reconnects when it was away."""

    def __init__(self, backlog: Backlog, redis_url: str) -> None:
        self._backlog = backlog
        self._settings = queue_settings(redis_url)
        self._queue: ArqRedis | None = None

    async def round(self) -> int:
        """One look at what is due; how many rows were handed over. Raises ``QUEUE_LOST``."""
        queue = await self._connected()
        due = await self._backlog.queues_due()
        handed = 0
        for name in (each for each in QUEUES if each in due):
            # To the end: what is claimed and not queued, because this worker stops, nobody begins before its lease is over.
            handed += await to_the_end(self._hand_over(queue, name))
        return handed

    async def _hand_over(self, queue: ArqRedis, name: str) -> int:
        tickets = await self._backlog.hand_over(name)
        for index, ticket in enumerate(tickets):
            try:
                await queue.enqueue_job(
                    ticket.job.value,
                    str(ticket.row_id),
                    ticket.attempts,
                    _job_id=ticket.name,
                    _queue_name=name,
                )
            except QUEUE_LOST:
                await self.close()
                await self._backlog.take_back(tickets[index:])
                raise
        return len(tickets)

    async def close(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            try:
                await queue.aclose(close_connection_pool=True)
            except QUEUE_LOST:
                log.debug("the queue server was gone before the connection could be closed")

    async def _connected(self) -> ArqRedis:
        """Connect before claiming: no row is leased to a server that is not there."""
        if self._queue is None:
            self._queue = await create_pool(
                self._settings, job_serializer=to_json, job_deserializer=from_json
            )
        return self._queue
