"""Where the words of the generated sentences on a page lead, read from the page alone."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})


@dataclass
class Piece:
    """Words of a sentence of ``section`` in one run; ``href`` is the link they stand in, None where in none."""

    section: str
    text: str
    href: str | None


def pieces(html: str) -> list[Piece]:
    """Every generated sentence, in the order of the page; without what is for eyes only, or for ears only."""
    reader = _Sentences()
    reader.feed(html)
    return reader.found


@dataclass(frozen=True)
class _Tag:
    name: str
    kinds: frozenset[str]
    section: str
    href: str | None


class _Sentences(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Piece] = []
        self._open: list[_Tag] = []
        self._last: object = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            section = given.get("id", "").removeprefix("section-") if tag == "section" else ""
            kinds = frozenset(given.get("class", "").split())
            self._open.append(_Tag(tag, kinds, section, given.get("href") if tag == "a" else None))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().name != tag:
            pass

    def handle_data(self, data: str) -> None:
        sentence = next((each for each in self._open if "section-said" in each.kinds), None)
        if sentence is None or any(
            each.name == "svg" or "hidden-visually" in each.kinds for each in self._open
        ):
            return
        link = next((each for each in reversed(self._open) if each.href), None)
        section = next(each.section for each in reversed(self._open) if each.section)
        if self._last is not None and self._last is (link or sentence):
            self.found[-1].text += data
        else:
            self.found.append(Piece(section, data, link.href if link else None))
        self._last = link or sentence
