"""What approvers sign, as people read it: a line for each exact line. Pure.

What is signed stays as it is, character by character, and stands below wherever it is written otherwise;
the words here are for reading only and nothing is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust_portal.access.approvals.model import Intent
from trust_portal.documents.reading import readable
from trust_portal.reliability.credits.rationale import interval_words

#: Said by the request's own heading: these stand among the exact values alone.
_TOLD_ABOVE: Final = frozenset({"Customer", "What", "Currency"})
#: What the product is called with, and what it is told.
_CODES: Final = frozenset({"Call", "Parameters"})
_LABELS: Final = {
    "Rule combine": "Where several promises are missed",
    "Rule minimum": "Least amount",
    "Rule money": "Rounding",
    "Rule restatement.keep": "After the restatement",
    "Rule restatement.reverse": "After the restatement",
    "Rule restatement.supplement": "After the restatement",
    "Rule restatement.unchanged": "After the restatement",
}
_COMBINES: Final = {
    "choose_one": "one credit is paid, the one worth most",
    "max": "the largest credit is paid",
    "sum": "the credits are added up",
}
_COMBINE = re.compile(r"(choose_one|max|sum) of the SLAs: ")
_TIER = re.compile(r"tier: \S+ % lies in ([\[(][\d./]+, [\d./]+[\])]): (\S+ %)")
#: The line says before it what was attained and what was promised.
_TARGET = re.compile(r"(?:; )?target: \S+ % is (?:below|at least) the target of \S+ %(?:; )?")
_RULE = re.compile(r"(?:(?<=\. )|(?<=; ))(?:formula|rounding): ")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the act. ``label`` and ``value`` are what is signed; ``read_label`` and ``read`` what that says,
    None where what is signed reads well itself. ``place`` is its place among the act's lines, from zero.
    """

    place: int
    label: str
    value: str
    read_label: str | None
    read: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """``told`` are the lines to read, ``beside`` those that the heading says already."""

    told: tuple[Line, ...]
    beside: tuple[Line, ...]
    effect: str | None
    risk: str | None


def reading_of(intent: Intent) -> Reading:
    values = {each.label: each.value for each in intent.act}
    lines = [
        Line(
            place,
            each.label,
            each.value,
            _other(each.label, _LABELS.get(each.label) or in_words(each.label)),
            _other(each.value, _value(each.label, each.value, values)),
        )
        for place, each in enumerate(intent.act)
    ]
    return Reading(
        tuple(each for each in lines if each.label not in _TOLD_ABOVE),
        tuple(each for each in lines if each.label in _TOLD_ABOVE),
        _other(intent.effect, in_words(intent.effect)),
        _other(intent.risk, in_words(intent.risk)),
    )


def in_words(text: str) -> str:
    """``readable``, and the rules of a credit in sentences."""
    text = _RULE.sub("", _TARGET.sub("", text).strip())
    text = _COMBINE.sub(lambda found: f"{_COMBINES[found[1]]}: ", text)
    return readable(_TIER.sub(lambda found: f"Values {interval_words(found[1])}, earn {found[2]}", text))


def _value(label: str, value: str, values: Mapping[str, str]) -> str:
    if label == "Amount" and "Currency" in values:
        return readable(f"{value} {values['Currency']}")
    if label in _CODES:
        return value.replace("_", " ")
    if label == "Playbook":
        return value.partition(": ")[2] or value
    return in_words(value)


def _other(signed: str, read: str) -> str | None:
    """None where the two look alike: only an unbroken space, say, is another."""
    return None if _bare(signed) == _bare(read) else read


def _bare(text: str) -> str:
    return " ".join(text.split()).removesuffix(".").replace(" %", "%")
