"""What every resolver receives: who asks, the house, and loaders that live for one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import strawberry

from trust_portal.errors import NotSignedIn
from trust_portal.house import House
from trust_portal.kernel.actor import Actor


@dataclass(slots=True)
class Context:
    """One request's context. Loaders are added here, made fresh, so nothing is cached across people."""

    house: House
    caller: Actor | None

    @property
    def actor(self) -> Actor:
        """Who acts; without a usable credential ``NotSignedIn``."""
        if self.caller is None:
            raise NotSignedIn
        return self.caller


#: What a resolver is given; the second parameter is the root value, which we do not use.
Info: TypeAlias = strawberry.Info[Context, None]
