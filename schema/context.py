"""What every resolver receives: who asks, the house, and loaders that live for one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

import strawberry

from schema.loaders import Loaders
from trust_portal.errors import NotSignedIn
from trust_portal.house import House
from trust_portal.kernel.actor import Actor


@dataclass(slots=True)
class Context:
    """One request's context. Its loaders are made for it, so nothing is gathered across people."""

    house: House
    caller: Actor | None
    #: Who made the links by which the caller's session came about, as ``SignedIn.brought_by``.
    brought_by: tuple[UUID, ...] = ()
    _loaders: Loaders | None = field(default=None, init=False)

    @property
    def actor(self) -> Actor:
        """Who acts; without a usable credential ``NotSignedIn``."""
        if self.caller is None:
            raise NotSignedIn
        return self.caller

    @property
    def loaders(self) -> Loaders:
        """What siblings ask alike, read once."""
        if self._loaders is None:
            self._loaders = Loaders(self.house, self.actor)
        return self._loaders


#: What a resolver is given; the second parameter is the root value, which we do not use.
Info: TypeAlias = strawberry.Info[Context, None]
