"""The shares that recommendations expect to save; the verifier multiplies by the same. Pure; loads no server."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

#: What the shipped playbooks expect of the same acts (``saves`` in playbooks.yaml; a test compares).
POOL_SAVES: Final = Decimal("0.2")
TIER_SAVES: Final = Decimal("0.6")
CACHE_SAVES: Final = Decimal("0.8")
