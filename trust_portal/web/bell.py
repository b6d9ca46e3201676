"""The bell: how much of what somebody was told they have not read, for the frame of every page."""

from __future__ import annotations

from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trust_portal.house import House


class Bell:
    """Sets ``scope["state"]["unread"]`` where a browser asks for a page; below ``Authentication``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "signed_in" in scope.get("state", {}):
            headers = Headers(scope=scope)
            if "text/html" in headers.get("accept", "") and headers.get("hx-request") != "true":
                house = cast("House", scope["app"].state.house)
                scope["state"]["unread"] = await house.inbox.unread(scope["state"]["actor"])
        await self.app(scope, receive, send)
