"""Announcements, whom they reach, and what became of each delivery."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from trust_portal.kernel.actor import Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.names import readable_line, readable_text
from trust_portal.notify.topics import Topic

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_PATH = re.compile(r"/[\x21-\x5b\x5d-\x7e]{0,500}")
_FACT = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MAX_FACTS, _MAX_VALUE, _MAX_TITLE, _MAX_TEXT = 20, 300, 160, 2000


class Channel(StrEnum):
    MAIL = "mail"
    PORTAL = "portal"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Audience:
    """Holders of any of ``roles`` and the ``people`` named, but nobody ``without``.

    Roles of customers are looked up in the tenant it happened in, those of the vendor at the vendor;
    a person is found in either. ``endpoints`` are told whatever they subscribe to.
    """

    roles: frozenset[Role] = frozenset()
    people: frozenset[UUID] = frozenset()
    without: frozenset[UUID] = frozenset()
    endpoints: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is to be told, in words of the room where it happened.

    ``key`` names the occasion: of one key a tenant is told once, whatever is repeated. ``title`` is
    one line, ``text`` says why and what next, ``facts`` are values by name for programs and people
    alike, ``path`` leads to the thing in the portal. Mails of one ``thread`` hang together.

    What people typed may be in here, and no act must fail for its sake: text is made readable and
    cut to length. A ``key``, ``path``, ``thread`` or fact's name out of shape is a fault of ours:
    ``ValueError``.
    """

    topic: Topic
    key: str
    title: str
    text: str
    path: str
    facts: Mapping[str, str] = field(default_factory=dict)
    thread: str = ""
    audience: Audience = Audience()

    def __post_init__(self) -> None:
        object.__setattr__(self, "thread", self.thread or self.key)
        if not _KEY.fullmatch(self.key) or not _KEY.fullmatch(self.thread):
            raise ValueError("a key or thread has 1 to 200 visible ASCII characters")
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"{self.path!r} is no path of the portal")
        if len(self.facts) > _MAX_FACTS or not all(map(_FACT.fullmatch, self.facts)):
            raise ValueError(f"at most {_MAX_FACTS} facts, named in lower case")
        object.__setattr__(self, "title", readable_line(self.title, _MAX_TITLE))
        object.__setattr__(self, "text", readable_text(self.text, _MAX_TEXT))
        facts = {name: readable_line(value, _MAX_VALUE) for name, value in self.facts.items()}
        object.__setattr__(self, "facts", facts)


@dataclass(frozen=True, slots=True)
class TenantName:
    """How a tenant is called: ``key`` by programs, ``name`` by people."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Notification:
    """As recorded in its home: the tenant it happened in, or the vendor's copy of it (the same ``id``).

    ``origin`` names the former; in its own home it may be None, for there everything is its own.
    """

    id: UUID
    home_id: UUID
    origin_id: UUID
    origin: TenantName | None
    topic: Topic
    key: str
    title: str
    text: str
    facts: Mapping[str, str]
    path: str
    thread: str
    audience: Audience
    at: datetime

    @property
    def at_vendor(self) -> bool:
        return self.home_id == VENDOR_ID


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may sign in, as the address book knows them now."""

    id: UUID
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification to one person or endpoint by one channel."""

    id: UUID
    home_id: UUID
    notification_id: UUID
    channel: Channel
    recipient_id: UUID
    made_at: datetime


class Verdict(StrEnum):
    """How an attempt ended.

    ``lost``: the worker ended before it could say; the other side may have got it. ``skipped``: there
    was nobody left to send to.
    """

    DELIVERED = "delivered"
    FAILED = "failed"
    LOST = "lost"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. ``status`` is the HTTP or SMTP code, where there was one.

    ``final``: asking again changes nothing. ``retry_after`` is what it asked for, in seconds.
    """

    verdict: Verdict
    words: str
    status: int | None = None
    peer: str = ""
    final: bool = False
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line of the delivery log. ``round`` 0 is the first sending, n the n-th replay.

    ``verdict`` None: at work, or its worker died and nobody has looked yet. ``next_try_at`` None with
    ``given_up``: not tried again by itself.
    """

    ordinal: int
    round: int
    sent_to: str
    begun_at: datetime
    work_id: UUID | None
    ended_at: datetime | None = None
    verdict: Verdict | None = None
    status: int | None = None
    words: str = ""
    peer: str = ""
    next_try_at: datetime | None = None
    given_up: bool = False


class DeliveryState(StrEnum):
    """Where a delivery stands, as its log says."""

    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    RETRYING = "retrying"
    SKIPPED = "skipped"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Way:
    """How many recipients one channel has, by where the sending to them stands; an inbox has it at once."""

    channel: Channel
    state: DeliveryState
    count: int


def state_of(last: Attempt | None, replays: int = 0) -> DeliveryState:
    """From the last attempt and how often a replay was asked for."""
    if last is None or last.round < replays or last.verdict is None:
        return DeliveryState.WAITING
    if last.given_up:
        return DeliveryState.GIVEN_UP
    return _STATES[last.verdict]


_STATES = {
    Verdict.DELIVERED: DeliveryState.DELIVERED,
    Verdict.FAILED: DeliveryState.RETRYING,
    Verdict.LOST: DeliveryState.RETRYING,
    Verdict.SKIPPED: DeliveryState.SKIPPED,
}
