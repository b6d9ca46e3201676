"""What a simulated world consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SUBSYSTEMS = ("compute", "storage", "egress", "adapters")

#: The explaining dimensions and what they may be; a cause names a value for some of them.
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "resource": ("orders", "invoices", "catalogue", "archive", "sessions"),
    "operation": ("query", "export", "sync", "index"),
    "region": ("eu-central-1", "eu-west-1", "us-east-1"),
    "adapter": ("", "crm", "erp", "mail"),
    "version": ("2026.5.0", "2026.6.0"),
    "flag": ("", "bulk-export-v2"),
}


class Kind(StrEnum):
    """Why money was spent differently than usual."""

    SPIKE = "spike"  #: a runaway job: hours
    RETRY_STORM = "retry_storm"  #: an adapter that fails and tries again: half a day, ragged
    STEP = "step"  #: a release that costs more from now on
    DRIFT = "drift"  #: a leak: a few percent a day for weeks
    NET_OUT = "net_out"  #: one half of a pair of tenants whose sum does not move: the dearer half
    PLANNED = "planned"  #: announced work; finding it is neither a hit nor a false alarm


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one series; ``start`` ≤ hour < ``end`` (indexes of hours).

    ``added`` is what it cost in each of these hours, ``excess`` their sum, ``cause`` the usage that it lies in.
    ``cheaper``: the series that spent as much less in the same hours.
    """

    kind: Kind
    series: int
    start: int
    end: int
    excess: float
    cause: Mapping[str, str]
    added: NDArray[np.float64] = field(compare=False, repr=False)
    cheaper: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """Money per hour, shape ``(hours, series)``, in major units of one currency.

    ``usual`` is what would have been spent without the events. ``first`` is what was told when
    the hour closed, and ``late`` how many hours later the full figure was (0: at once). Where ``again``,
    what was told is told once more by then.
    """

    seed: int
    start: datetime
    names: tuple[tuple[str, str], ...]
    actual: NDArray[np.float64]
    usual: NDArray[np.float64]
    first: NDArray[np.float64]
    late: NDArray[np.int64]
    again: NDArray[np.bool_]
    budget: NDArray[np.float64]
    events: tuple[Event, ...]
