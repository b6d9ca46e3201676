"""Text that a drawing can hold (XML 1.0, 2.2): facts of any age hold more. Pure."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any, Final, cast

from trust_portal.documents.slides.model import Deck

_NO_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def in_xml(deck: Deck) -> Deck:
    """``deck`` with U+FFFD for each character that XML does not have, in every text of it."""
    return cast("Deck", _in_xml(deck))


def _in_xml(value: Any) -> Any:
    if type(value) is str:
        return _NO_CHARACTER.sub("\ufffd", value)
    if isinstance(value, list | tuple):
        return type(value)(_in_xml(each) for each in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{each.name: _in_xml(getattr(value, each.name)) for each in fields(value)})
    return value
