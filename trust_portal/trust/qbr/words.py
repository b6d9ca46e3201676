"""What templates say of a QBR, on screen and on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from trust_portal.learning.postmortems.words import prose

GLOBALS: Final[dict[str, Callable[..., Any]]] = {"qbr_prose": prose}
