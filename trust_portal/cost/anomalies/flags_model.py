"""A feature flag of detection, and where each of its settings came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from trust_portal.cost.detection.versions import version_named
from trust_portal.errors import InvalidInput
from trust_portal.kernel.canonical import canonical
from trust_portal.kernel.names import require_words


@dataclass(frozen=True, slots=True)
class SetShadowDetector:
    """Command: let ``detector`` (``name@version``) watch beside the live one, or stop it.

    ``back_test`` is the summary of the back-test that the decision rests on, numbers as strings;
    none is needed to stop.
    """

    enabled: bool
    detector: str
    back_test: Mapping[str, str]
    reason: str

    def __post_init__(self) -> None:
        require_words(self.reason, "reason")
        version_named(self.detector)
        if self.enabled and not self.back_test:
            raise InvalidInput("say with what back-test it is switched on", field="back_test")
        if len(canonical(dict(self.back_test))) > 10_000:
            raise InvalidInput("a summary is shorter than that", field="back_test")


@dataclass(frozen=True, slots=True)
class FlagRevision:
    """Who switched, when, for which version, with what back-test; the receipt says the same."""

    flag: str
    revision: int
    enabled: bool
    detector: str
    back_test: Mapping[str, str]
    reason: str
    set_at: datetime
    set_by: str
    receipt_id: UUID
