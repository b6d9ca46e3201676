"""How wide text is set in the face of the house, where nothing can be measured: in drawings and before a page is laid out.

The widths are those of Source Sans 3 in the heavier of its two weights, rounded up; a test holds them against the face.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

#: Thousandths of the size of its letters, by width.
_LETTERS: Final = {
    200: " ",
    260: "|",
    280: "',.:;ijl’",
    300: "I",
    320: "!f",
    340: "()-[]{}",
    360: "/\\",
    380: "rt",
    440: "*s",
    460: "?z",
    480: "c–",
    500: '"J_vxy“”',
    520: "#$+0123456789<=>FLY^aeg~−",
    540: "EVZk",
    560: "ASTX`hnou",
    580: "Cbdpq",
    600: "BKPR",
    640: "&DG",
    660: "NU",
    680: "HOQ",
    760: "Mw",
    800: "W",
    860: "%m",
    880: "@",
    980: "…",
}
_WIDTHS: Final = {letter: Decimal(wide) / 1000 for wide, letters in _LETTERS.items() for letter in letters}
#: Of whatever another face has to lend.
_OTHER: Final = Decimal(1)


def width_of(text: str, size: Decimal | int) -> Decimal:
    """At most so wide is one line of ``text``, in the unit of ``size``, the size of its letters."""
    return sum((_WIDTHS.get(each, _OTHER) for each in text.replace("\u00a0", " ")), Decimal(0)) * size
