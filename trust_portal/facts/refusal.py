"""The one exception inside the door; it never leaves it (it becomes a ``Rejection``)."""

from __future__ import annotations

from trust_portal.facts.outcome import Rejection, RejectionCode

_LONGEST_ECHO = 512


class BadEvent(Exception):
    """An event cannot be stored; the rest of the delivery is not touched by it."""

    def __init__(
        self, code: RejectionCode, message: str, path: str | None, *, event_id: object = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path
        self.event_id = event_id

    def rejection(self, index: int) -> Rejection:
        """As answered; text from outside is cut and made encodable."""
        return Rejection(
            index=index,
            id=_echo(self.event_id) if isinstance(self.event_id, str) else None,
            code=self.code,
            message=_echo(self.message),
            path=None if self.path is None else _echo(self.path),
        )


def _echo(text: str) -> str:
    return text[:_LONGEST_ECHO].encode("utf-8", "backslashreplace").decode()
