"""What stands in the way of a figure, or is worth knowing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from trust_portal.errors import InvalidInput


class Severity(StrEnum):
    """What a finding does to the result; later ones weigh more."""

    NOTE = "note"
    INCOMPLETE = "incomplete"
    DISPUTED = "disputed"
    REFUSED = "refused"


class State(StrEnum):
    """Whether figures may be relied on. Only ``OK`` carries a credit."""

    OK = "ok"
    INCOMPLETE = "incomplete"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Finding:
    """``code`` is stable, ``message`` is for a person, ``where`` is a path, an objective or an instant."""

    code: str
    message: str
    where: str
    severity: Severity = Severity.NOTE

    def to_json(self) -> dict[str, str]:
        return {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "severity": self.severity.value,
        }


class Unusable(InvalidInput):
    """A contract or file that cannot be used; ``findings`` say why, all of them at once."""

    def __init__(self, what: str, findings: Sequence[Finding]) -> None:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{what}: {first.message}{more}", field=first.where, code=first.code)
        self.findings = tuple(findings)


def refusal(code: str, message: str, where: str) -> Finding:
    """A finding that makes the document or file unusable."""
    return Finding(code, message, where, Severity.REFUSED)


def state_of(findings: Sequence[Finding]) -> State:
    """The state that the gravest finding leaves."""
    severities = {finding.severity for finding in findings}
    if Severity.DISPUTED in severities:
        return State.DISPUTED
    return State.INCOMPLETE if Severity.INCOMPLETE in severities else State.OK
