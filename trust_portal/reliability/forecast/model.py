"""A forecast of the running period, and the flag it stands behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.kernel.money import Money
from trust_portal.kernel.names import require_words
from trust_portal.reliability.attainment.model import Ratio
from trust_portal.reliability.findings import Finding

#: What the flag, refusals and access logs call it.
FLAG: Final = "credit_forecast"
NOUN: Final = "credit forecast"


@dataclass(frozen=True, slots=True)
class SetForecast:
    """Command: show the forecast to those whose policies permit it, or to nobody."""

    enabled: bool
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class FlagRevision:
    """Who switched it, when and why; the last one holds."""

    revision: int
    enabled: bool
    reason: str
    set_at: datetime
    set_by_id: UUID
    set_by: str
    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Outlook:
    """How likely a promise is to be broken by the end of its period.

    All in minutes of whole local days (``forecast.calculation``), reckoned exactly and cut to whole ones:
    ``budget`` is what the whole period may lose, ``used`` what it lost in the days so far, ``left`` what
    it may still lose, negative once the promise is broken. ``likelihood`` (0 to 1) is ``None`` where fewer
    than the needed ``days_behind`` are known, and 0 or 1 only where no day to come can change it.
    """

    budget: int
    used: int
    left: int
    days_left: int
    days_behind: int
    likelihood: float | None


@dataclass(frozen=True, slots=True)
class SlaForecast:
    """One promise so far, up to ``until``: ``raw`` as measured, ``attained`` after exclusions.

    These and ``outlook`` are absent where ``findings`` say why.
    """

    objective: str
    target: str
    until: datetime
    raw: Ratio | None
    attained: Ratio | None
    met: bool | None
    outlook: Outlook | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """``credit`` is what the contract would give if it ended now; ``None`` where a figure is missing."""

    period: str
    contract_version: str
    slas: tuple[SlaForecast, ...]
    credit: Money | None
