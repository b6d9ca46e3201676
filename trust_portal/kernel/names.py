"""Names and reasons that people read: what may stand in them."""

from __future__ import annotations

import re
import unicodedata

from trust_portal.errors import InvalidInput

#: Control and format characters (UAX #9: bidirectional overrides and isolates are of these), lone
#: surrogates, and separators of lines: each can make a name look like another or like two.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Format characters that scripts need inside words: zero width (non-)joiner.
_NEEDED = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
#: No character of XML 1.0 (2.2), and so of no drawing, slide or workbook.
NOT_IN_XML = frozenset("\ufffe\uffff")


def is_readable(name: str) -> bool:
    """Whether every character shows itself, and none changes how the others are shown."""
    return all(c in _NEEDED or (unicodedata.category(c) not in _HIDDEN and c not in NOT_IN_XML) for c in name)


def require_words(text: str, field: str) -> str:
    """A reason is said in words: 1 to 2,000 characters that show themselves, over lines if need be.

    Gives it without the space around it and with plain line ends. Raises ``InvalidInput``.
    """
    words = text.replace("\r\n", "\n").strip()
    if not 1 <= len(words) <= 2000:
        raise InvalidInput("say it in 1 to 2,000 characters", field=field)
    if not is_readable(words.replace("\n", "").replace("\t", "")):
        raise InvalidInput("write it without invisible or control characters", field=field)
    return words


def readable_line(text: str, limit: int) -> str:
    """``text`` as one line of at most ``limit`` characters, without what hides or misleads."""
    return _cut(" ".join(_shown(text).split()), limit)


def readable_text(text: str, limit: int) -> str:
    """The same for several lines; more than one empty line in a row becomes one."""
    lines = [" ".join(_shown(line).split()) for line in text.splitlines()]
    return _cut(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), limit)


def _shown(text: str) -> str:
    return "".join(c if is_readable(c) else " " for c in text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
