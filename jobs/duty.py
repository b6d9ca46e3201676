"""What a job does, and what happens when it cannot be done. One module per family declares them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from trust_portal.house import House
from trust_portal.storage.outbox import Job

#: ids by name, as they were enqueued
Arguments = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Duty:
    """One kind of job.

    ``do`` is given the house, the outbox row's id (to be completed in the transaction of the
    effect) and the arguments; it may be called again after any crash and must not act twice.
    ``give_up`` makes a final failure visible where people look: it is given the reason in words,
    and is idempotent too.
    """

    job: Job
    do: Callable[[House, UUID, Arguments], Awaitable[Any]]
    give_up: Callable[[House, Arguments, str], Awaitable[Any]]
    timeout: timedelta = timedelta(minutes=2)
