"""Back-tests of detectors as they are kept, and the commands that rest on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from trust_portal.cost.anomalies.flags_model import Flag
from trust_portal.cost.detection.replay import WEEKS
from trust_portal.cost.detection.versions import version_named
from trust_portal.cost.trials.comparison import Sum
from trust_portal.errors import InvalidInput
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.names import require_words

#: A decision rests on a back-test no older than this.
FRESH: Final = timedelta(days=31)
#: Of how many tenants a back-test for all of them is: those with the most hours of usage.
MOST_TENANTS: Final = 200


@dataclass(frozen=True, slots=True)
class RunBackTest:
    """Command: ``detector`` (``name@version``) over the last ``weeks``, beside what is live.

    ``tenant_id`` at the vendor: over every tenant's history.
    """

    tenant_id: UUID
    detector: str
    weeks: int = 8

    def __post_init__(self) -> None:
        version_named(self.detector)
        if self.weeks not in WEEKS:
            raise InvalidInput(f"a back-test goes {', '.join(map(str, WEEKS))} weeks back", field="weeks")


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackTestRun:
    """One that was asked for: worked on tenant by tenant, ``done`` of ``planned`` so far.

    ``planned`` is ``None`` until a worker has looked whose history there is; ``with_usage`` tenants have
    any. Once the state is ``DONE`` the back-test has the same id; ``failure`` says why there is none.
    """

    id: UUID
    tenant_id: UUID
    detector: str
    live: str
    weeks: int
    start: datetime
    end: datetime
    asked_at: datetime
    asked_by: Actor
    policies: tuple[str, ...]
    policy_version: str
    state: RunState = RunState.RUNNING
    planned: tuple[UUID, ...] | None = None
    with_usage: int | None = None
    done: int = 0
    finished_at: datetime | None = None
    failure: str | None = None

    @property
    def is_running(self) -> bool:
        return self.state is RunState.RUNNING

    @property
    def total(self) -> int | None:
        return None if self.planned is None else len(self.planned)


@dataclass(frozen=True, slots=True)
class BackTest:
    """One that was run, never to change. ``document`` is what it came to; ``digest`` its hex SHA-256
    (RFC 8785). ``start`` and ``end`` bound the hours that were replayed.
    """

    id: UUID
    tenant_id: UUID
    detector: str
    live: str
    weeks: int
    start: datetime
    end: datetime
    document: Mapping[str, Any]
    digest: str
    ran_at: datetime
    ran_by: str
    receipt_id: UUID

    @property
    def found(self) -> Mapping[str, Sum]:
        """As ``Comparison.sums``."""
        return {
            name: Sum(
                int(each["anomalies"]), {code: Decimal(amount) for code, amount in each["excess"].items()}
            )
            for name, each in self.document["found"].items()
        }


@dataclass(frozen=True, slots=True)
class SetDetectorFlag:
    """Command: let the back-test's detector watch in shadow, or be live; or take that back.

    ``tenant_id`` at the vendor: for every tenant. Taking it back needs no back-test; what holds for
    everybody holds then, and without that the installed detector is live and none watches beside it.
    """

    tenant_id: UUID
    flag: Flag
    enabled: bool
    reason: str
    back_test_id: UUID | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))
        if self.enabled and self.back_test_id is None:
            raise InvalidInput("name the back-test that this rests on", field="back_test")
