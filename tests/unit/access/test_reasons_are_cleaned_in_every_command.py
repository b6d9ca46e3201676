"""One reason is the same bytes through whichever door it came, in every command that has one.

A form sends its lines with CR LF and GraphQL with LF; what is signed and kept is one of the two.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

import trust_portal
from trust_portal.errors import InvalidInput
from trust_portal.learning.incidents.acts_model import TellOfIncident
from trust_portal.notify.topics import Topic

#: What a person says in words of their own.
WORDS = ("reason", "note", "rationale", "text")
SAID, KEPT = " It was due.\r\n\r\nLong since.\t\r\n", "It was due.\n\nLong since."
NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
#: What the type of a field does not say of its value.
VALUES: Mapping[str, object] = {
    "amount": Decimal(120),
    "currency": "EUR",
    "email": "ada@example.org",
    "end": NOW + timedelta(hours=1),
    "ends_at": NOW + timedelta(hours=1),
    "evidence": "https://tracker.example/7",
    "from_month": date(2026, 7, 1),
    "link": "https://tracker.example/8",
    "max_age": timedelta(days=30),
    "name": "pager",
    "period": "2026-06",
    "replaces": UUID(int=2),
    "rules": "- ignore: a test",
    "subsystem": "compute",
    "topics": frozenset({Topic.SLA_REPORT_ISSUED}),
    "until": NOW + timedelta(days=30),
}


def commands() -> Iterator[tuple[type, str]]:
    """Every dataclass that says it is a command, with each of its fields in which a person says why."""
    for module in pkgutil.walk_packages(trust_portal.__path__, "trust_portal."):
        if module.name.startswith("trust_portal.demo") or module.name.endswith("__main__"):
            continue
        for each in vars(importlib.import_module(module.name)).values():
            if not (isinstance(each, type) and dataclasses.is_dataclass(each)):
                continue
            if each.__module__ != module.name:
                continue
            if not ((each.__doc__ or "").startswith("Command") or issubclass(each, TellOfIncident)):
                continue
            yield from ((each, field.name) for field in dataclasses.fields(each) if field.name in WORDS)


COMMANDS = sorted(commands(), key=lambda each: (each[0].__module__, each[0].__name__, each[1]))
every_command = pytest.mark.parametrize(
    ("command", "field"), COMMANDS, ids=[f"{command.__name__}-{field}" for command, field in COMMANDS]
)


def made(command: type, field: str, words: str) -> Any:
    """A command that is right but for what ``field`` says."""
    return command(**{**_given(command), field: words})


def _given(kind: type) -> dict[str, object]:
    """A value for each field that has no default, or of which words are only said with a value."""
    hints = typing.get_type_hints(kind)
    return {
        each.name: VALUES[each.name] if each.name in VALUES else _some(hints[each.name])
        for each in dataclasses.fields(kind)
        if each.name in VALUES
        or (each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING)
    }


def _some(hint: Any) -> object:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return None if type(None) in inner else _some(inner[0])
    if origin is tuple:
        return (_some(inner[0]),)
    if origin in {frozenset, set}:
        return frozenset({_some(inner[0])})
    if origin is not None:
        return {}
    if issubclass(hint, enum.Enum):
        return next(iter(hint))
    if dataclasses.is_dataclass(hint):
        return hint(**_given(hint))
    some = {
        UUID: UUID(int=1),
        str: "a text of some words",
        int: 1,
        bool: False,
        bytes: b"{}",
        date: NOW.date(),
    }
    return {**some, datetime: NOW, timedelta: timedelta(hours=1), Decimal: Decimal(1)}[hint]


def test_the_commands_of_every_room_are_found() -> None:
    rooms = {command.__module__.split(".")[1] for command, _ in COMMANDS}
    assert rooms == {"access", "cost", "learning", "reliability", "trust"}
    assert len(COMMANDS) >= 58


@every_command
def test_what_is_said_is_kept_without_space_around_it_and_with_plain_line_ends(
    command: type, field: str
) -> None:
    assert getattr(made(command, field, SAID), field) == KEPT
    assert made(command, field, SAID) == made(command, field, KEPT)


@every_command
@pytest.mark.parametrize("words", ["x" * 2001, "paid \N{RIGHT-TO-LEFT OVERRIDE}000.1", "bell \x07 bell"])
def test_what_nobody_can_read_is_refused_at_its_field(command: type, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(command, field, words)
    assert refused.value.field == field
