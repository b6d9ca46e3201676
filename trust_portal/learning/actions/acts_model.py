"""What can be asked to be done with a prevention action. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import require_words
from trust_portal.learning.actions.model import ActionType

#: The longest term, in business days: a year.
LONGEST_TERM: Final = 260


@dataclass(frozen=True, slots=True)
class PlanAction:
    """Command: somebody shall do something within ``term`` business days from when its clock begins.

    ``replaces`` names the action that this one supersedes, and ``reason`` says why: of such a plan alone. ``link``
    leads to where the work is tracked: whoever reads of the promise can follow it before it is kept.
    """

    postmortem_id: UUID
    title: str
    type: ActionType
    owner_id: UUID
    term: int
    link: str
    replaces: UUID | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _line(self.title, "title"))
        if self.replaces is not None:
            object.__setattr__(self, "reason", require_words(self.reason or "", "reason"))
        elif self.reason is not None:
            raise InvalidInput("a reason is for an action that replaces another", field="reason")
        object.__setattr__(self, "link", tracked_at(self.link))
        if not 1 <= self.term <= LONGEST_TERM:
            raise InvalidInput(f"a term is 1 to {LONGEST_TERM} business days", field="term")


@dataclass(frozen=True, slots=True)
class MoveDueDate:
    """Command: it is due on another day, for a reason; every move is counted."""

    action_id: UUID
    due: date
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class FinishAction:
    """Command: it is done. ``evidence`` is the address where that shows; ``sha256`` of what lies there, if known."""

    action_id: UUID
    evidence: str
    note: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        address = web_address(self.evidence, "evidence")
        if address is None:
            raise InvalidInput("say where it shows that this is done", field="evidence")
        object.__setattr__(self, "evidence", address)
        object.__setattr__(self, "note", require_words(self.note, "note"))
        digest = (self.sha256 or "").strip().lower() or None
        object.__setattr__(self, "sha256", digest)
        if digest is not None and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
            raise InvalidInput("a SHA-256 is 64 hexadecimal digits", field="sha256")


@dataclass(frozen=True, slots=True)
class DropAction:
    """Command of the approver, who is not the owner: it will not be done, and why that is right."""

    action_id: UUID
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", require_words(self.reason, "reason"))


@dataclass(frozen=True, slots=True)
class LinkRecurrence:
    """Command: ``incident_id`` is what this action should have prevented."""

    action_id: UUID
    incident_id: UUID
    note: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", require_words(self.note, "note"))


def tracked_at(text: str) -> str:
    """Where the work is tracked: a web address by https. ``InvalidInput`` (link) else, and for none."""
    address = web_address(text, "link")
    if address is None:
        raise InvalidInput("say where the work is tracked", field="link")
    if urlsplit(address).scheme != "https":
        raise InvalidInput("give a web address that begins with https://", field="link")
    return address


def web_address(text: str | None, field: str) -> str | None:
    """An absolute http(s) address of at most 2,000 characters; nothing for nothing. ``InvalidInput`` else."""
    address = (text or "").strip()
    if not address:
        return None
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        raise InvalidInput("this is not a web address", field=field) from None
    fits = len(address) <= 2000 and address.isascii() and address.isprintable() and " " not in address
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or not fits:
        raise InvalidInput("give a web address that begins with https:// or http://", field=field)
    return address


def _line(text: str, field: str) -> str:
    line = require_words(text, field)
    if len(line) > 200 or "\n" in line:
        raise InvalidInput("say it in one line of at most 200 characters", field=field)
    return line
