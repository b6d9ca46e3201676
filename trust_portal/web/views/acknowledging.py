"""What somebody lets stand in a document that is to be signed, section by section, as its form says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trust_portal.trust.report.model import Acknowledgement

_REASON: Final = "reason-"
_SEEN: Final = "seen-"


def acknowledgements_of(given: Mapping[str, str]) -> tuple[Acknowledgement, ...]:
    """Those with a reason: an empty one acknowledges nothing."""
    return tuple(
        Acknowledgement(name.removeprefix(_SEEN), reason, seen)
        for name, seen in given.items()
        if name.startswith(_SEEN) and (reason := given.get(_REASON + name.removeprefix(_SEEN)))
    )
