"""What a signed document of sections says about itself on paper that its JSON cannot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Imprint:
    """The signing key (hex), the file name of its bundle, and when (RFC 3339) and by whom it was signed."""

    fingerprint: str
    bundle: str
    signed_at: str
    signed_by: str

    def command(self, tenant: str) -> str:
        """What to type; the portal hands out the policy of the tenant with this key under this name."""
        return f"trust-portal verify {self.bundle} --policy {tenant}.policy --recompute"
