"""What a view may ask of its request: the house, and who is acting."""

from __future__ import annotations

from typing import cast

from starlette.requests import HTTPConnection

from trust_portal.errors import NotSignedIn
from trust_portal.house import House
from trust_portal.kernel.actor import Actor


def house_of(connection: HTTPConnection) -> House:
    """The services of this process."""
    return cast("House", connection.app.state.house)


def actor_or_none(connection: HTTPConnection) -> Actor | None:
    """Who acts, if anybody: set by ``Authentication`` from the session cookie or bearer token."""
    return cast("Actor | None", connection.scope.get("state", {}).get("actor"))


def actor_of(connection: HTTPConnection) -> Actor:
    """Who acts; without a usable credential ``NotSignedIn``."""
    actor = actor_or_none(connection)
    if actor is None:
        raise NotSignedIn
    return actor
