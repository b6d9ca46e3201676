"""A copy of a signed postmortem for one customer: the same document with fields withheld. Pure.

A withheld property is replaced by a salted digest in the ``_sd`` array of its object (RFC 9901 §4.2.1).
With every disclosure the copy gives the signed document back, byte for byte. Where other customers are
withheld, decoy digests (§4.2.5) keep their number from being counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trust_portal.errors import InvalidInput
from trust_portal.evidence.disclosure import Disclosure, conceal, new_salt
from trust_portal.evidence.strict import encode_base64url
from trust_portal.facts.events import PAGERS
from trust_portal.learning.incidents.model import PAGERS_OWN_WORDS
from trust_portal.learning.postmortems.model import COPY_KIND, FORMAT

#: Digests of other customers are filled up to a multiple of this.
DECOYS: Final = 8
_SD: Final = "_sd"
_CHANGE: Final = "change"
_OTHERS: Final = "!customer"
#: What says what a change was, or follows from it.
OF_A_CHANGE: Final = ("id", "name", "detail", "environment", "by", "reason", "rule", "judged_by")
#: The same of its entry in the evidence.
OF_ITS_EVIDENCE: Final = ("id", "source", "sha256")
#: Lines of the timeline in the words of a pager.
_PAGERS: Final = "!pager"
_STEP: Final = re.compile(r"(?:[a-z_][a-z0-9_]*|\*(?:\[[a-z_]+=[a-z0-9_]+\])?|!customer|!pager)")
#: Lines of a timeline were once named by the beginning of their event's digest, which has no salt.
_BY_DIGEST: Final = re.compile(r"/[0-9a-f]{16}\Z")
_NAMES_BY_DIGEST: Final = (("timeline", "*", "id"), ("evidence", "*[kind=timeline]", "id"))
_FILTER: Final = re.compile(r"\*\[([a-z_]+)=([a-z0-9_]+)\]")

#: The steps of a path through the document.
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    """A property that a copy conceals: where it stands (``incident.owner``), and what shows it.

    A name with dots in it, as a customer's key may be, stands in quotes: ``customers."acme.eu".denial``.
    """

    place: str
    disclosure: Disclosure


@dataclass(frozen=True, slots=True)
class Redacted:
    document: dict[str, Any]
    withheld: tuple[Withheld, ...]


def parse_place(text: str) -> Place:
    """Raises ``InvalidInput`` for what is no path, or ends in no name."""
    steps = tuple(text.split("."))
    if not all(_STEP.fullmatch(each) for each in steps) or steps[-1].startswith("*"):
        raise InvalidInput(f"{text!r} is no place in a postmortem", field="withhold")
    return steps


def step_to(name: str) -> str:
    """A property's name as it stands in a place."""
    return f'"{name}"' if "." in name else name


def redact(
    document: Mapping[str, Any],
    withhold: Sequence[Place],
    customer: str,
    *,
    salt: Callable[[], str] = new_salt,
) -> Redacted:
    """``document`` with everything at the places ``withhold`` concealed from ``customer`` (its key).

    By any profile also the ids of lines that are named by a digest of what they say, and what changed for others
    only: that something did, and when, may have mattered to ``customer``; what it was is theirs.
    """
    withhold = (*withhold, *of_others(document, customer))
    if any(_BY_DIGEST.search(each["id"]) for each in document["timeline"]):
        withhold = (*withhold, *_NAMES_BY_DIGEST)
    paged = _lines_of_pagers(document)
    withhold = [place for each in withhold for place in _of_pagers(each, paged)]
    withheld: list[Withheld] = []
    body = _redact(document, withhold, customer, salt, "", withheld)
    return Redacted(body, tuple(withheld))


def of_others(document: Mapping[str, Any], customer: str) -> Iterator[Place]:
    """Whatever tells more of a change for others only than its kind, time and verdict."""
    ids = set()
    for number, change in enumerate(document["changes"]):
        if is_of_others(change["tenants"], customer):
            ids.add(change["id"])
            yield from (("changes", str(number), name) for name in OF_A_CHANGE)
    for number, entry in enumerate(document["evidence"]):
        if entry["kind"] == _CHANGE and entry["id"] in ids:
            yield from (("evidence", str(number), name) for name in OF_ITS_EVIDENCE)


def is_of_others(tenants: Sequence[str] | None, customer: str) -> bool:
    """Whether a change for ``tenants`` (None: for everybody) was for others than ``customer`` only."""
    return tenants is not None and customer not in tenants


def copy_body(
    redacted: Redacted,
    *,
    original_sha256: str,
    customer: Mapping[str, str],
    profile: Mapping[str, str],
) -> dict[str, Any]:
    """The copy: whose it is, by which profile, of which signed document."""
    document = redacted.document
    return {
        "kind": COPY_KIND,
        "format": FORMAT,
        "vendor": document["vendor"],
        "customer": dict(customer),
        "original": {
            "postmortem": document["postmortem"]["id"],
            "version": document["postmortem"]["version"],
            "sha256": original_sha256,
        },
        "profile": dict(profile),
        "document": document,
    }


def _lines_of_pagers(document: Mapping[str, Any]) -> list[str]:
    """Which lines of the timeline, by number: as the evidence says who told them, which documents always said."""
    told = {
        each["id"]
        for each in document["evidence"]
        if each["kind"] == "timeline" and each["source"].startswith(PAGERS)
    }
    return [
        str(number)
        for number, each in enumerate(document["timeline"])
        if each["id"] in told and each["kind"] in PAGERS_OWN_WORDS
    ]


def _of_pagers(place: Place, lines: Sequence[str]) -> Iterator[Place]:
    if _PAGERS not in place:
        yield place
        return
    for each in lines:
        yield tuple(each if step == _PAGERS else step for step in place)


def _redact(
    value: Any,
    rules: Sequence[Place],
    customer: str,
    salt: Callable[[], str],
    at: str,
    withheld: list[Withheld],
) -> Any:
    if isinstance(value, Mapping):
        return _redact_object(value, rules, customer, salt, at, withheld)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [
            _redact(
                each, _inside(rules, str(index), each, customer), customer, salt, f"{at}{index}.", withheld
            )
            for index, each in enumerate(value)
        ]
    return value


def _redact_object(
    value: Mapping[str, Any],
    rules: Sequence[Place],
    customer: str,
    salt: Callable[[], str],
    at: str,
    withheld: list[Withheld],
) -> dict[str, Any]:
    hidden = {
        name
        for name in value
        if any(len(rule) == 1 and _names(rule[0], name, value[name], customer) for rule in rules)
    }
    kept = {
        name: item
        if name in hidden
        else _redact(
            item, _inside(rules, name, item, customer), customer, salt, f"{at}{step_to(name)}.", withheld
        )
        for name, item in value.items()
    }
    shown, disclosures = conceal(kept, hidden, salt)
    withheld += [Withheld(f"{at}{step_to(each.name)}", each) for each in disclosures]
    if any(rule == (_OTHERS,) for rule in rules):
        digests = [each.digest for each in disclosures]
        digests += [_decoy(salt) for _ in range(-len(digests) % DECOYS or (0 if digests else DECOYS))]
        shown[_SD] = sorted(digests)
    return shown


def _inside(rules: Sequence[Place], name: str, value: Any, customer: str) -> list[Place]:
    return [rule[1:] for rule in rules if len(rule) > 1 and _names(rule[0], name, value, customer)]


def _names(step: str, name: str, value: Any, customer: str) -> bool:
    """Whether a step of a place leads to the property or element ``name``."""
    if step == _OTHERS:
        return name != customer
    if (wanted := _FILTER.fullmatch(step)) is not None:
        said = value.get(wanted[1]) if isinstance(value, Mapping) else None
        return (str(said).lower() if isinstance(said, bool) else said) == wanted[2]
    return step in ("*", name)


def _decoy(salt: Callable[[], str]) -> str:
    """A digest that stands for nothing, and looks like all others."""
    return encode_base64url(hashlib.sha256(salt().encode("ascii")).digest())


def shown_texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text that a redacted document shows, with its place."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name != _SD:
                yield from shown_texts(item, f"{at}.{name}" if at else name)
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from shown_texts(item, f"{at}.{index}")
