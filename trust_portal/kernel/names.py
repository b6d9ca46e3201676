"""Names that people read: what may stand in them."""

from __future__ import annotations

import unicodedata

#: Control and format characters (UAX #9: bidirectional overrides and isolates are of these), lone
#: surrogates, and separators of lines: each can make a name look like another or like two.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Format characters that scripts need inside words: zero width (non-)joiner.
_NEEDED = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")


def is_readable(name: str) -> bool:
    """Whether every character shows itself, and none changes how the others are shown."""
    return all(c in _NEEDED or unicodedata.category(c) not in _HIDDEN for c in name)
