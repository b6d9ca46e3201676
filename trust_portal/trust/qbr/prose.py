"""What a CSM wrote, as plain lines for slides. Pure."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt


def plain(markdown: str) -> str:
    """The words of CommonMark, a line a paragraph or item; items begin with a bullet."""
    lines, bullet = [], ""
    for token in _parser().parse(markdown):
        if token.type == "list_item_open":
            bullet = "• "
        elif token.type in {"inline", "fence", "code_block"}:
            children = token.children or []
            text = "".join(
                " " if each.type in {"softbreak", "hardbreak"} else each.content for each in children
            )
            lines.append(bullet + (text or token.content.strip()))
            bullet = ""
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})
