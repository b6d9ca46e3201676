"""Rules by which an alarm becomes an incident: YAML that an operator edits. Pure.

A rule says `when` (fields and what they must be; ``*`` stands for anything) and what the incident is.
The first that fits counts. ``{field}`` in a value is filled from the alarm. A rule that says `ignore`, and why,
makes no incident of what it fits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from trust_portal.errors import InvalidInput
from trust_portal.kernel.names import readable_line
from trust_portal.kernel.text_yaml import NotYaml, load_text_yaml
from trust_portal.learning.incidents.model import Severity

MOST_RULES: Final = 100
_LONGEST: Final = 50_000
_PLACE: Final = re.compile(r"\{([A-Za-z0-9_.\-]+)\}")
_MUST: Final = ("severity", "service", "title")
_MAY: Final = ("owner", "team", "tenants", "objectives")
_MOST_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class MappingRule:
    """``number`` counts from 1. ``when`` empty: it fits every alarm."""

    number: int
    when: tuple[tuple[str, str], ...]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What an alarm is as an incident, and by which rule. ``tenants`` None: it may touch everybody."""

    rule: int
    severity: Severity
    service: str
    title: str
    owner: str
    team: str | None
    tenants: tuple[str, ...] | None
    objectives: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Why an alarm is no incident. ``severity``: what the rule that fitted made of it, as far as one did."""

    why: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """An alarm that is no incident because a rule says so."""

    rule: int
    why: str


def parse_mapping(text: str) -> tuple[MappingRule, ...]:
    """The rules of a document; ``InvalidInput`` (field ``rules``) says which one is wrong and why."""
    if len(text) > _LONGEST:
        raise _bad(f"at most {_LONGEST} characters")
    try:
        document = load_text_yaml(text)
    except NotYaml as error:
        raise _bad(str(error)) from error
    if not isinstance(document, list) or not document:
        raise _bad("write a list of rules")
    if len(document) > MOST_RULES:
        raise _bad(f"at most {MOST_RULES} rules")
    return tuple(_rule(number, each) for number, each in enumerate(document, start=1))


def apply_mapping(rules: tuple[MappingRule, ...], fields: Mapping[str, str]) -> Mapped | Unmatched | Ignored:
    """``fields`` of the alarm by dotted name."""
    for rule in rules:
        if all(fnmatchcase(fields.get(name, ""), wanted) for name, wanted in rule.when):
            ignore = rule.values.get("ignore")
            return _mapped(rule, fields) if ignore is None else Ignored(rule.number, ignore)
    return Unmatched("no rule fits it")


def _mapped(rule: MappingRule, fields: Mapping[str, str]) -> Mapped | Unmatched:
    missing = sorted(
        {place for value in rule.values.values() for place in _PLACE.findall(value)} - fields.keys()
    )
    if missing:
        return Unmatched(f"rule {rule.number} fits and needs {missing[0]}, which the alarm does not have")
    said = {
        name: readable_line(_PLACE.sub(lambda place: fields[place[1]], value), _LONGEST)
        for name, value in rule.values.items()
    }
    try:
        severity = Severity(said["severity"])
    except ValueError:
        return Unmatched(f"rule {rule.number} fits and makes {said['severity']!r} of the severity")
    for name in ("service", "title"):
        if not said[name]:
            return Unmatched(f"rule {rule.number} fits and leaves the {name} empty", severity)
    return Mapped(
        rule=rule.number,
        severity=severity,
        service=said["service"][:_MOST_TITLE].rstrip(),
        title=said["title"][:_MOST_TITLE].rstrip(),
        owner=said.get("owner", ""),
        team=said.get("team") or None,
        tenants=_list(said.get("tenants")),
        objectives=_list(said.get("objectives")),
    )


def _rule(number: int, value: object) -> MappingRule:
    if not isinstance(value, dict):
        raise _bad(f"rule {number} is no mapping")
    if "ignore" in value:
        return _ignoring(number, value)
    if strange := [name for name in value if name not in {"when", *_MUST, *_MAY}]:
        raise _bad(f"rule {number}: no field {strange[0]!r}; there are when, {', '.join((*_MUST, *_MAY))}")
    if lacking := [name for name in _MUST if not value.get(name)]:
        raise _bad(f"rule {number} lacks {lacking[0]}")
    when = _when(number, value)
    values = {name: _value(number, name, value[name]) for name in (*_MUST, *_MAY) if value.get(name)}
    severity = values["severity"]
    if not _PLACE.search(severity) and severity not in set(Severity):
        raise _bad(f"rule {number}: the severity is {', '.join(Severity)} or a {{field}}")
    return MappingRule(number, when, values)


def _ignoring(number: int, value: dict[str, object]) -> MappingRule:
    why = value["ignore"]
    if not isinstance(why, str) or not why.strip():
        raise _bad(f"rule {number}: `ignore` says why")
    if strange := [name for name in value if name not in {"when", "ignore"}]:
        raise _bad(f"rule {number}: what is ignored has no {strange[0]}")
    return MappingRule(number, _when(number, value), {"ignore": why.strip()})


def _when(number: int, value: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    when = value.get("when") or {}
    if not isinstance(when, dict) or not all(isinstance(each, str) for each in when.values()):
        raise _bad(f"rule {number}: `when` maps fields to texts")
    return tuple((str(name), wanted) for name, wanted in when.items())


def _value(number: int, name: str, value: object) -> str:
    if name in {"tenants", "objectives"} and isinstance(value, list):
        value = ",".join(str(each) for each in value)
    if not isinstance(value, str):
        raise _bad(f"rule {number}: {name} is a text")
    return value


def _list(text: str | None) -> tuple[str, ...] | None:
    named = [each.strip() for each in (text or "").split(",")]
    return tuple(sorted({each for each in named if each})) or None


def _bad(message: str) -> InvalidInput:
    return InvalidInput(message, field="rules")
