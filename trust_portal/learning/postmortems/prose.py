"""Written parts: Markdown (CommonMark with tables) to HTML that can do no harm. Pure.

What is signed is the Markdown. HTML in it is text, pictures are left out (a document fetches nothing),
and headings are set below those of the page around them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt

#: Headings of the text begin at this level: the page's own go down to ``h3``.
_FIRST_HEADING: Final = 4
_TAGS: Final = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES: Final = frozenset({"http", "https", "mailto"})


def to_html(markdown: str) -> str:
    """Sanitised HTML; the same text gives the same bytes."""
    return nh3.clean(
        _parser().render(markdown),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})
    parser.disable("image")
    parser.core.ruler.push("deeper_headings", _deepen)
    return parser


def _deepen(state: object) -> None:
    for token in state.tokens:  # type: ignore[attr-defined]  # StateCore, whose type the package does not export
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1:]) + _FIRST_HEADING - 1)}"
