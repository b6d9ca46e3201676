"""The bell: how much of what somebody was told they have not read, for the frame of every page."""

from __future__ import annotations

from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from trust_portal.house import House
from trust_portal.web.context import asks_for_page


class Bell:
    """Sets ``scope["state"]["unread"]`` where a browser asks for a page; below ``Authentication``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "signed_in" in scope.get("state", {}) and asks_for_page(scope):
            house = cast("House", scope["app"].state.house)
            scope["state"]["unread"] = await house.inbox.unread(scope["state"]["actor"])
        await self.app(scope, receive, send)
