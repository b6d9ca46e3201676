"""What happened meanwhile, put together: links that say the same of the same work are one entry. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from trust_portal.cost.explanation.evidence import (
    Candidate,
    EventReference,
    HeavyOperation,
    Link,
    LinkKind,
)
from trust_portal.documents.course_chart import Mark, letter
from trust_portal.documents.formats import instant

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Deed:
    """One link, and of an operation the operation itself."""

    link: Link
    operation: HeavyOperation | None


@dataclass(frozen=True, slots=True)
class Entry:
    """Links of one kind and key, of operations also by one principal; the strongest first.

    ``letter`` names it in the list and in the drawing. ``by`` is empty where nobody is named.
    """

    letter: str
    by: str
    deeds: tuple[Deed, ...]

    @property
    def link(self) -> Link:
        """The strongest."""
        return self.deeds[0].link

    @property
    def first(self) -> datetime:
        return min(each.link.at for each in self.deeds)

    @property
    def last(self) -> datetime:
        return max(each.link.at for each in self.deeds)

    @property
    def took(self) -> timedelta:
        """The time that its operations took in all."""
        return sum((each.operation.duration for each in self.deeds if each.operation), timedelta(0))

    @property
    def quantities(self) -> Mapping[str, Decimal]:
        """What its operations came to in all, by unit."""
        found: dict[str, Decimal] = {}
        for each in self.deeds:
            if each.operation is not None:
                found[each.operation.unit] = (
                    found.get(each.operation.unit, Decimal(0)) + each.operation.quantity
                )
        return found


def entries(links: Sequence[Link], candidates: Iterable[Candidate]) -> list[Entry]:
    """``links`` (the strongest first) as entries, in the order of each one's strongest."""
    operations = {_name(each.reference): each for each in candidates if isinstance(each, HeavyOperation)}
    found: dict[tuple[LinkKind, str, str], list[Deed]] = {}
    for link in links:
        operation = operations.get(_name(link.reference)) if link.kind is LinkKind.OPERATION else None
        by = operation.initiated_by if operation is not None else ""
        found.setdefault((link.kind, link.key, by), []).append(Deed(link, operation))
    return [
        Entry(letter(number), by, tuple(deeds)) for number, ((_, _, by), deeds) in enumerate(found.items())
    ]


def marks(listed: Iterable[Entry]) -> list[Mark]:
    """The entries as the drawing shows them: work that was done several times in an hour has one mark there."""
    found: dict[tuple[str, datetime], Mark] = {}
    for entry in listed:
        for each in entry.deeds:
            link = each.link
            hour = link.at.replace(minute=0, second=0, microsecond=0)
            mark = Mark(
                link.at,
                entry.letter,
                f"{link.key}, {instant(link.at)}",
                square=link.kind is LinkKind.OPERATION,
            )
            found.setdefault((entry.letter, hour), mark)
    return list(found.values())


def _name(reference: EventReference) -> tuple[str, str]:
    return reference.source, reference.event_id
