"""What the checks write to: findings, proofs and open questions, in the order they came up."""

from __future__ import annotations

from trust_portal.evidence.verdict import NEXT, Code, Finding


class Report:
    """Collects. A check that finds nothing says what it proved; one that cannot know says that."""

    def __init__(self) -> None:
        self._findings: dict[Finding, None] = {}
        self.proved: list[str] = []
        self.not_proved: list[str] = []

    def find(self, code: Code, message: str, *, file: str = "", field: str = "", then: str = "") -> None:
        self._findings[Finding(code, file, field, message, then or NEXT[code])] = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each once, however often it came up."""
        return tuple(self._findings)
