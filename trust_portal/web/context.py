"""What a view may ask of its request: the house, and who is acting."""

from __future__ import annotations

from typing import cast

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from trust_portal.access.break_glass.model import Unreviewed
from trust_portal.access.sessions.model import Client, SignedIn
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


def signed_in_of(connection: HTTPConnection) -> SignedIn:
    """The browser's session; ``NotSignedIn`` also for a token, which has none."""
    signed_in = connection.scope.get("state", {}).get("signed_in")
    if signed_in is None:
        raise NotSignedIn
    return cast("SignedIn", signed_in)


def asks_for_page(scope: Scope) -> bool:
    """Whether the answer has the frame of a page around it: a browser asks, and not htmx for a part."""
    headers = Headers(scope=scope)
    return "text/html" in headers.get("accept", "") and headers.get("hx-request") != "true"


def waiting_of(connection: HTTPConnection) -> int:
    """How many requests wait for the reader's approval: counted by ``Waiting``, once a page."""
    return int(connection.scope.get("state", {}).get("waiting", 0))


def emergencies_of(connection: HTTPConnection) -> tuple[Unreviewed, ...]:
    """Emergency access that is open or not reviewed yet, for staff; also put there by ``Waiting``."""
    return tuple(connection.scope.get("state", {}).get("emergencies", ()))


def client_of(connection: HTTPConnection) -> Client:
    """What the browser says of itself, for the list of sessions."""
    address = connection.client.host if connection.client else ""
    return Client(connection.headers.get("user-agent", ""), address)
