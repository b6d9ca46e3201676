"""What a game day has come to: its incidents against their signed postmortems, and who owes what. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from trust_portal.errors import InvalidInput

#: Under which source the P1 is told by events; the token of a game day may speak for it.
SOURCE: Final = "gameday"
#: Exit statuses of the command; 2 is a refusal.
COVERED: Final = 0
MISSING: Final = 3
COVERED_BY_HAND: Final = 4

#: Where an incident stands in the ledger whose postmortem is signed, its own or that of what it was merged into.
_COVERING: Final = frozenset({"SIGNED", "MERGED"})
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


class Doing(StrEnum):
    """Where the playbook of the P1 stands."""

    NONE = "none"
    WAITS = "waits"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class GameDay:
    """``name`` is in the keys of both incidents; ``tenant`` is the key of the customer they name."""

    name: str
    tenant: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput("1 to 60 small letters, digits and dashes", field="name")

    @property
    def p1(self) -> str:
        return f"{self.name}-p1"

    @property
    def p2(self) -> str:
        return f"{self.name}-p2"


@dataclass(frozen=True, slots=True)
class Owing:
    """What is missing, who must do it, and the page where they do."""

    what: str
    who: str
    where: str

    def json(self) -> dict[str, str]:
        return {"what": self.what, "who": self.who, "where": self.where}


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident of the game day with its postmortem, as the doors tell of them; or, not ``declared``, its place.

    ``state`` None: there is no postmortem. ``cover`` is where the incident stands in the coverage ledger. ``lacking``: names of written parts that are needed and empty.
    ``signer`` None: any incident owner. ``denials``: how many of
    what a game day tries the document names; ``receipts``: how many of playbooks.
    """

    key: str
    severity: str
    resolved: bool
    page: str
    approvals: str
    doing: Doing
    state: str | None = None
    cover: str | None = None
    accepted: bool = False
    signer: str | None = None
    lacking: Sequence[str] = ()
    actions: int = 0
    denials: int = 0
    receipts: int = 0
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident, and what is owed until it is covered."""

    seen: Seen
    owing: tuple[Owing, ...]

    @property
    def covered(self) -> bool:
        return not self.owing

    def json(self) -> dict[str, Any]:
        return {
            "key": self.seen.key,
            "severity": self.seen.severity,
            "resolved": self.seen.resolved,
            "page": self.seen.page,
            "postmortem": self.seen.state,
            "cover": self.seen.cover,
            "denials": self.seen.denials,
            "receipts": self.seen.receipts,
            "covered": self.covered,
            "owing": [each.json() for each in self.owing],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Both incidents; ``notes`` say what could not be played, and why."""

    name: str
    standings: tuple[Standing, ...]
    notes: tuple[str, ...] = ()

    @property
    def covered(self) -> int:
        return sum(each.covered for each in self.standings)

    @property
    def complete(self) -> bool:
        return self.covered == len(self.standings)

    @property
    def by_playbook(self) -> bool:
        """Whether the P1 was mitigated by a playbook, whose receipts its postmortem names."""
        return any(each.seen.doing is Doing.DONE and each.seen.receipts > 0 for each in self.standings)

    @property
    def exit_status(self) -> int:
        """Of the command: covered by a playbook, covered without one, or not covered."""
        if not self.complete:
            return MISSING
        return COVERED if self.by_playbook else COVERED_BY_HAND

    def json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "covered": self.covered,
            "declared": sum(each.seen.declared for each in self.standings),
            "complete": self.complete,
            "by_playbook": self.by_playbook,
            "incidents": [each.json() for each in self.standings],
            "notes": list(self.notes),
        }


def standing_of(seen: Seen) -> Standing:
    """What is owed for ``seen``, in the order in which it can be done."""
    if not seen.declared:
        return Standing(seen, (Owing("its declaration", _PLAYER, seen.page),))
    owing = []
    if not seen.resolved:
        owing.append(_unresolved(seen))
    if seen.state is None:
        owing.append(Owing("its postmortem", "whoever runs the installation: is the worker up?", seen.page))
        return Standing(seen, tuple(owing))
    if not seen.denials:
        owing.append(
            Owing(
                "the refusal in its evidence",
                "whoever runs the installation: policy refused, and the postmortem does not say so",
                seen.page,
            )
        )
    if seen.doing is Doing.DONE and not seen.receipts:
        owing.append(
            Owing("the playbook's receipts in its evidence", "whoever runs the installation", seen.page)
        )
    owing += _until_signed(seen)
    return Standing(seen, tuple(owing))


def _unresolved(seen: Seen) -> Owing:
    if seen.doing is Doing.WAITS:
        return Owing("its mitigation by the playbook", "approvers, others than who asked", seen.approvals)
    return Owing("its end", "play on: trust-portal gameday --check", seen.page)


def _until_signed(seen: Seen) -> list[Owing]:
    if seen.cover in _COVERING:
        return []
    if seen.state == "SIGNED":
        return [Owing("another version: what its postmortem has to say was told since", _WRITERS, seen.page)]
    owing = []
    if seen.state == "DRAFT":
        if seen.lacking:
            owing.append(Owing(f"written parts: {', '.join(seen.lacking)}", _WRITERS, seen.page))
        if not seen.actions:
            owing.append(Owing("one to three prevention actions", _PLANNERS, seen.page))
        owing.append(Owing("its submission", _WRITERS, seen.page))
    if not seen.accepted:
        owing.append(Owing("its review", "a responder who wrote none of it", seen.page))
    owing.append(Owing("its signature by passkey", seen.signer or _SIGNERS, seen.page))
    return owing


_PLAYER: Final = "whoever plays: declare it with this key, or play another game day"
_WRITERS: Final = "an incident owner, SRE operator or vendor admin"
_SIGNERS: Final = "an incident owner"
_PLANNERS: Final = "an incident owner or SRE operator"
