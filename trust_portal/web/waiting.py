"""What waits for the reader, counted once a page, so that every page can say so; and who has emergency
access, or owes the review of one.

Plain ASGI below ``Authentication``. Only people who may approve are counted for.
"""

from __future__ import annotations

from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from trust_portal.house import House
from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.web.context import asks_for_page


class Waiting:
    """Sets ``scope["state"]["waiting"]`` and ``["emergencies"]`` where a browser asks for a page, as ``Bell``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and asks_for_page(scope):
            state = scope.setdefault("state", {})
            actor = cast("Actor | None", state.get("actor"))
            if actor is not None and actor.kind is ActorKind.PERSON:
                house = cast("House", scope["app"].state.house)
                state["waiting"] = await house.approval_inbox.waiting_for(actor)
                if actor.is_staff:
                    state["emergencies"] = await house.break_glass.unreviewed(actor)
        await self.app(scope, receive, send)
