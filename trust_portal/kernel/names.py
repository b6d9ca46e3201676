"""Names and reasons that people read: what may stand in them."""

from __future__ import annotations

import unicodedata

from trust_portal.errors import InvalidInput

#: Control and format characters (UAX #9: bidirectional overrides and isolates are of these), lone
#: surrogates, and separators of lines: each can make a name look like another or like two.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Format characters that scripts need inside words: zero width (non-)joiner.
_NEEDED = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")


def is_readable(name: str) -> bool:
    """Whether every character shows itself, and none changes how the others are shown."""
    return all(c in _NEEDED or unicodedata.category(c) not in _HIDDEN for c in name)


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
