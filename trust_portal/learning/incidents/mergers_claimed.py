"""Which words about mergers take effect, and which are claims. Pure.

What is merged into an incident weighs on it. Undoing that, or merging it into something else, may take a P1 or P2
away, as a lower severity would: that is a claim until two approve it. So that nothing that comes later brings the same
about, each word is judged once and for ever, when it first says something: when it came in, or, where it names
incidents that nobody had declared by then, when those are known. What it means by a key, whether its token may speak
of that, whether it closes a circle and whether something is less by it is decided by what was known here in that
moment. So whatever declares the same key later, says whom it touches, or tells of another merger moves no merger,
and wakes none that was a claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from trust_portal.facts.events import INCIDENT_DECLARED
from trust_portal.learning.incidents.course import courses
from trust_portal.learning.incidents.effects import kind_of, known_by, may_decide, order, spoke_for, stated
from trust_portal.learning.incidents.mergers import Merger, way
from trust_portal.learning.incidents.model import (
    Downgrade,
    EntryKind,
    IncidentFact,
    Severity,
    incident_id,
)
from trust_portal.learning.incidents.naming import Name, resolved

WORDS: Final = frozenset({EntryKind.MERGED, EntryKind.UNMERGED})
#: What says how bad an incident is, and for whom: nothing else makes a difference to what weighs on what.
_WEIGHTY: Final = frozenset({EntryKind.DECLARED, EntryKind.SEVERITY, EntryKind.AFFECTED})


@dataclass(frozen=True, slots=True)
class Mergers:
    """``standing`` are in force. ``keys``: by incident, what it was last told to be merged into, known or not yet.

    ``alone``: since when it is known here that what had been merged goes on by itself. ``claims`` are keys of the facts
    that changed nothing, as they may not, or do not yet.
    """

    standing: Mapping[Name, Merger]
    alone: Mapping[Name, datetime]
    keys: Mapping[Name, str]
    claims: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class _Word:
    """``fact`` says of ``name`` that it goes on in ``into``; None: by itself. ``due`` is since when that means something."""

    due: datetime
    fact: IncidentFact
    name: Name
    into: Name | None


def takes_away(before: Severity, after: Severity, worst_before: Severity, worst_after: Severity) -> bool:
    """Whether that is a P1 or P2 the less: in force, or in the coverage."""
    return (before.is_major and before.outranks(after)) or (
        worst_before.is_major and not worst_after.is_major
    )


def mergers_of(histories: Mapping[Name, Sequence[IncidentFact]], downgrades: Iterable[Downgrade]) -> Mergers:
    """``histories`` in order."""
    words, waiting, claims = _words(histories)
    judged = _Judged(histories, downgrades)
    for word in sorted(words, key=lambda each: (each.due, order(each.fact))):
        if judged.is_overtaken(word.name, word.fact):
            continue
        if judged.may(word):
            judged.take(word)
        else:
            claims.add(word.fact.key)
    return Mergers(
        standing=judged.standing,
        alone=judged.alone,
        keys={
            name: str(fact.body["into"])
            for name, fact in waiting.items()
            if not judged.is_overtaken(name, fact)
        }
        | {name: str(each.fact.body["into"]) for name, each in judged.standing.items()},
        claims=frozenset(claims),
    )


class _Judged:
    """The mergers in force, word by word."""

    def __init__(
        self, histories: Mapping[Name, Sequence[IncidentFact]], downgrades: Iterable[Downgrade]
    ) -> None:
        self.standing: dict[Name, Merger] = {}
        self.alone: dict[Name, datetime] = {}
        self._last: dict[Name, IncidentFact] = {}
        self._merged: dict[Name, set[Name]] = {}
        self._downgrades = tuple(downgrades)
        self._weighty = {
            name: [fact for fact in history if kind_of(fact) in _WEIGHTY]
            for name, history in histories.items()
        }
        lowered = {each.incident_id for each in self._downgrades}
        # Of all others it is plain what they weigh: nothing ever made a P1 or P2 less.
        self._intricate = [
            name
            for name, history in self._weighty.items()
            if (lowered and incident_id(*name) in lowered) or any(fact.bounds is not None for fact in history)
        ]

    def is_overtaken(self, name: Name, fact: IncidentFact) -> bool:
        """Whether what happened later says otherwise."""
        return name in self._last and order(fact) < order(self._last[name])

    def may(self, word: _Word) -> bool:
        """A token for some tenants merges nothing that touches others, and into nothing that does."""
        whose = [word.name] if word.into is None else [word.name, word.into]
        if not all(spoke_for(word.fact, self._weighty[name], name[0], word.due) for name in whose):
            return False
        if word.into is not None and word.name in way(word.into, self.standing):
            return False  # a circle
        return word.fact.by_two or not self._takes_away(word)

    def take(self, word: _Word) -> None:
        if (before := self.standing.pop(word.name, None)) is not None:
            self._merged[before.into].remove(word.name)
            self.alone[word.name] = word.due
        if word.into is not None:
            self.alone.pop(word.name, None)
            self.standing[word.name] = Merger(word.into, word.fact, word.due)
            self._merged.setdefault(word.into, set()).add(word.name)
        self._last[word.name] = word.fact

    def _takes_away(self, word: _Word) -> bool:
        """What goes on in nothing yet only adds its weight."""
        if word.name not in self.standing:
            return False
        end = way(word.name, self.standing)[-1]
        if self._is_outweighed(word, end):
            return False
        company = self._company(end)
        known = {name: known_by(self._weighty[name], word.due) for name in company}
        lowered = [each for each in self._downgrades if each.holds_from <= word.due]
        before = {name: self.standing[name] for name in company if name in self.standing}
        after = {name: each for name, each in before.items() if name != word.name}
        if word.into in company:
            after[word.name] = Merger(word.into, word.fact, word.due)
        was, now = _severities(known, before, lowered), _severities(known, after, lowered)
        return any(
            takes_away(severity, now[name][0], worst, now[name][1]) for name, (severity, worst) in was.items()
        )

    def _is_outweighed(self, word: _Word, end: Name) -> bool:
        """Whether it is plain that nothing gets less: what it leaves goes on bearing something as bad.

        To weigh everything that goes on in ``end`` for each of thousands of words would take the square of their
        number. Whatever this does not say, that does.
        """
        if any(way(name, self.standing)[-1] == end for name in self._intricate):
            return False
        left = self.standing[word.name].into
        if word.into is not None and left in way(word.into, self.standing):
            return True
        borne = [self._worst_told(name, word.due) for name in self._below(word.name)]
        worst = min((each for each in borne if each.is_major), default=None)
        return worst is None or any(
            self._worst_told(name, word.due) <= worst for name in self._below(left, word.name)
        )

    def _worst_told(self, name: Name, moment: datetime) -> Severity:
        """Of itself, by what had come in by then."""
        severities = (stated(fact) for fact in known_by(self._weighty[name], moment))
        return min((each for each in severities if each is not None), default=Severity.P4)

    def _below(self, name: Name, without: Name | None = None) -> Iterator[Name]:
        """It, and everything that goes on in it; but for what goes on in ``without``, and that itself."""
        waiting = [name]
        while waiting:
            found = waiting.pop()
            yield found
            waiting.extend(each for each in self._merged.get(found, ()) if each != without)

    def _company(self, end: Name) -> list[Name]:
        """Everything that goes on in ``end``, and that itself."""
        found = [end]
        for name in found:
            found.extend(sorted(self._merged.get(name, ())))
        return found


def _words(
    histories: Mapping[Name, Sequence[IncidentFact]],
) -> tuple[list[_Word], dict[Name, IncidentFact], set[UUID]]:
    """What is told of mergers by who may; by incident the last that names what nobody declared; and which say nothing so."""
    declared = _declarations(histories)
    words: list[_Word] = []
    waiting: dict[Name, IncidentFact] = {}
    mute: set[UUID] = set()
    for name, history in histories.items():
        for fact in history:
            if kind_of(fact) not in WORDS:
                continue
            may = may_decide(fact, name[0])
            word = _word(name, fact, declared) if may else None
            if word is not None:
                words.append(word)
                continue
            mute.add(fact.key)
            if may:
                waiting[name] = fact
    return words, waiting, mute


def _declarations(
    histories: Mapping[Name, Sequence[IncidentFact]],
) -> dict[str, list[tuple[datetime, str]]]:
    """By key since when which sources have declared it, in that order."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for (source, key), history in histories.items():
        first = min(fact.origin.received_at for fact in history if fact.type == INCIDENT_DECLARED)
        found.setdefault(key, []).append((first, source))
    return {key: sorted(each) for key, each in found.items()}


def _word(
    name: Name, fact: IncidentFact, declared: Mapping[str, Sequence[tuple[datetime, str]]]
) -> _Word | None:
    """What it says as soon as that is clear; None: it never was."""
    [known] = [at for at, source in declared[name[1]] if source == name[0]]
    since = max(known, fact.origin.received_at)
    if kind_of(fact) is EntryKind.UNMERGED:
        return _Word(since, fact, name, None)
    key = str(fact.body["into"])
    for moment in _moments(since, declared.get(key, ())):
        sources = {key: frozenset(source for at, source in declared.get(key, ()) if at <= moment)}
        otherwise = fact.source if fact.source in sources[key] else name[0]
        into = resolved(key, fact, fact.body.get("into_declared_by"), otherwise, sources)
        if into is not None:
            return _Word(moment, fact, name, into)
    return None


def _moments(since: datetime, declared: Iterable[tuple[datetime, str]]) -> Iterator[datetime]:
    yield since
    yield from (at for at, _ in declared if at > since)


def _severities(
    known: Mapping[Name, Sequence[IncidentFact]],
    mergers: Mapping[Name, Merger],
    downgrades: Iterable[Downgrade],
) -> dict[Name, tuple[Severity, Severity]]:
    """In force, and the worst ever, also of what was merged into it."""
    through = courses(known, mergers, downgrades)
    found = {
        name: (each.severity, each.worst)
        for name, each in through.items()
        if each.severity is not None and each.worst is not None
    }
    worst = {name: own for name, (_, own) in found.items()}
    for name, (_, own) in found.items():
        for further in way(name, mergers)[1:]:
            worst[further] = min(worst[further], own)
    return {name: (severity, worst[name]) for name, (severity, _) in found.items()}
