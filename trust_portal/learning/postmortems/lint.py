"""What in a copy should make somebody look again before a customer gets it. Pure.

Names of people and of other customers, hosts and addresses, secrets, and words that blame. A warning
forbids nothing: it is mended in the text, withheld, or acknowledged with a reason.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trust_portal.kernel.canonical import digest


class LintCode(StrEnum):
    BLAME = "BLAME"
    HOST = "HOST"
    OTHER_CUSTOMER = "OTHER_CUSTOMER"
    PERSON = "PERSON"
    SECRET = "SECRET"  # noqa: S105 - the name of a warning


#: What each warning says of the words it found.
_MESSAGES: Final = {
    LintCode.BLAME: "blames somebody: say what made it possible, not whose fault it was",
    LintCode.HOST: "names a host or an address",
    LintCode.OTHER_CUSTOMER: "names another customer",
    LintCode.PERSON: "names a person",
    LintCode.SECRET: "looks like a secret",
}
#: Ids and digests are no words.
_NO_WORDS: Final = frozenset({"id", "at", "sha256", "receipt", "kind", "format", "rule", "snapshot_at"})
_BLAME: Final = re.compile(
    r"\b(?:blame[ds]?|careless(?:ly)?|clumsy|dumb|fault of|forgot(?:ten)? to|human error|idiot(?:ic)?|"
    r"incompeten(?:t|ce)|lazy|messed up|negligen(?:t|ce)|ought to have|reckless(?:ly)?|screwed up|should have known|"
    r"sloppy|stupid(?:ly)?|(?:his|her|operator|user) error|"
    r"at fault(?! (?:code|domain|handling|injection|line|rate|tolerance|tree)s?\b)|"
    r"(?:his|her|their|(?!nobody|anybody|anyone)[a-z]+(?:['’]s|s['’])) (?:fault|mistake))\b",
    re.IGNORECASE,
)
#: Names of hosts end like this: the endings most companies register under, and those of networks inside. Country
#: codes that are also endings of file names (md, py, rs, sh, so) are left out, as are words after a forgotten space.
_ENDINGS: Final = (
    "app|biz|cloud|com|dev|edu|gov|info|io|mil|net|network|online|org|site|store|systems|tech"
    "|ai|at|au|be|br|ca|ch|cn|co|cz|de|dk|es|eu|fi|fr|gr|hk|hu|ie|il|jp|kr|lt|lu|lv|mx|nl|nz|pl|pt|ro|ru"
    "|se|sg|sk|tr|tv|tw|ua|uk|us|za"
    "|corp|example|home|internal|intranet|invalid|lan|local|localdomain|svc|test"
)
#: Country codes that are also words: endings only of a name of three parts or more.
_WORDS_TOO: Final = "in|is|it|me|my|no"
_HOST: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+"
    r"|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b"
    # IPv6: one that leaves zeros out, and one that does not.
    r"|(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])"
    r"|(?<![\w:])::[0-9a-f]{1,4}(?![\w:])"
    r"|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b"
    rf"|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_ENDINGS})\b"
    rf"|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.){{2,}}(?:{_WORDS_TOO})\b"
    # A name with its port, as nobody writes a figure or a time.
    r"|(?<![\w.:/-])[a-z][a-z0-9-]*[a-z0-9]:(?:[0-9]{4,5}|443)\b(?!:)"
    r"|\blocalhost\b",
    re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SECRET: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}\b"
    r"|\bsk[-_](?:live|test|proj)?[-_]?[A-Za-z0-9]{16,}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    # Said in words it is one where it has a digit: "the token is invalid" tells nothing.
    r"|\b(?:api[_-]?key|passwd|password|passphrase|pwd|secret|token)"
    r"(?:\s*[:=]\s*\S{4,}|\s+(?:is|was)\s+(?=[^\s,;]*[0-9])[^\s,;]{4,})"
    r"|\b(?:bearer|basic)\s+(?=\S*[0-9])[A-Za-z0-9+/_.~=-]{16,}"
    r"|\b(?:key|token|secret)s?(?:\s+(?:is|was)|\s*[:=])?\s+[0-9a-f]{32,}\b",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: Letters of a part of a name that is looked for by itself.
_SHORTEST_PART: Final = 3
#: Bits per character above which a long word is hardly anybody's language.
_RANDOM: Final = 4.2


@dataclass(frozen=True, slots=True)
class Warned:
    """``place`` is the path in the document, ``words`` what was found there."""

    code: LintCode
    place: str
    words: str

    @property
    def id(self) -> str:
        """Names the warning as long as the same words stand at the same place."""
        return digest([self.code.value, self.place, self.words])[:16]

    @property
    def message(self) -> str:
        return _MESSAGES[self.code]


def lint(
    texts: Iterable[tuple[str, str]], people: Collection[str], other_customers: Collection[str]
) -> tuple[Warned, ...]:
    """Warnings over ``texts`` (place, text), each place and words once, in their order.

    ``people`` are full names: each part of one counts too, where it is written as a name is.
    """
    named = _names_in(people), _any_of(other_customers)
    found = (warned for place, text in texts if _is_words(place) for warned in _lint(place, text, named))
    return tuple(dict.fromkeys(found))


def naming_another(others: Collection[str], own: Collection[str]) -> Callable[[str, str], bool]:
    """Whether the text at a place names one of ``others`` (keys and names), as ``lint`` looks for them.

    ``own`` are the key and name of the customer itself: what stands within one of those is nobody else's.
    """
    exact = {each.casefold() for each in others}
    wanted, mine = _alternatives(others), _any_of(own)
    # Ahead only, so that of two names that overlap none is passed over.
    pattern = re.compile(rf"(?<!\w)(?=({wanted})(?!\w))", re.IGNORECASE) if wanted else None

    def names(place: str, text: str) -> bool:
        if not _is_words(place):
            return False
        if text.casefold() in exact:
            return True
        if pattern is None:
            return False
        spans = [each.span() for each in mine.finditer(text)] if mine else []
        found = (each.span(1) for each in pattern.finditer(text))
        return any(not any(begin <= at and end <= until for begin, until in spans) for at, end in found)

    return names


def _lint(
    place: str, text: str, named: tuple[re.Pattern[str] | None, re.Pattern[str] | None]
) -> Iterator[Warned]:
    for found in _EMAIL.finditer(text):
        yield Warned(LintCode.PERSON, place, found[0])
    # The host of an address is no finding of its own, nor is the name in it.
    text = _EMAIL.sub(" ", text)
    for code, pattern in (
        (LintCode.PERSON, named[0]),
        (LintCode.OTHER_CUSTOMER, named[1]),
        (LintCode.HOST, _HOST),
        (LintCode.SECRET, _SECRET),
        (LintCode.BLAME, _BLAME),
    ):
        if pattern is not None:
            yield from (Warned(code, place, each[0]) for each in pattern.finditer(text))
    for token in _TOKEN.findall(text):
        if not _SECRET.search(token) and not _UUID.search(token) and _entropy(token) > _RANDOM:
            yield Warned(LintCode.SECRET, place, token)


def _is_words(place: str) -> bool:
    return place.rpartition(".")[2] not in _NO_WORDS


def _names_in(people: Collection[str]) -> re.Pattern[str] | None:
    """Full names in any case; parts of three letters or more only as written: "will" is no Will."""
    full = _alternatives(people)
    if not full:
        return None
    parts = _alternatives(part for each in people for part in each.split() if len(part) >= _SHORTEST_PART)
    either = f"(?i:{full})" + (f"|{parts}" if parts else "")
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)")


def _any_of(names: Collection[str]) -> re.Pattern[str] | None:
    """Whole words only, longest first; names of one letter are no names."""
    wanted = _alternatives(names)
    return re.compile(rf"(?<!\w)(?:{wanted})(?!\w)", re.IGNORECASE) if wanted else None


def _alternatives(names: Iterable[str]) -> str:
    wanted = sorted({each for each in names if len(each) > 1}, key=lambda each: (-len(each), each))
    return "|".join(map(re.escape, wanted))


def _entropy(text: str) -> float:
    """Shannon's, in bits per character."""
    counts = Counter(text)
    return -sum(each / len(text) * math.log2(each / len(text)) for each in counts.values())
