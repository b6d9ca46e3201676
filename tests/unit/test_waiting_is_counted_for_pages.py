"""What waits for the reader is counted where a page is asked for, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from trust_portal.kernel.actor import Actor, ActorKind
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.web.waiting import Waiting

_STAFF = Actor(ActorKind.PERSON, VENDOR_ID, "Olga", VENDOR_ID)
_PAGE = (b"accept", b"text/html,application/xhtml+xml")


async def _counted(*headers: tuple[bytes, bytes], method: str = "GET") -> dict[str, Any]:
    async def count(_: Actor) -> int:
        return 3

    async def nobody(_: Actor) -> tuple[str, ...]:
        return ("glass",)

    house = SimpleNamespace(
        approval_inbox=SimpleNamespace(waiting_for=count), break_glass=SimpleNamespace(unreviewed=nobody)
    )
    scope = {
        "type": "http",
        "method": method,
        "headers": list(headers),
        "state": {"actor": _STAFF},
        "app": SimpleNamespace(state=SimpleNamespace(house=house)),
    }
    seen: dict[str, Any] = {}

    async def page(inner: Scope, receive: Receive, send: Send) -> None:
        seen.update(inner["state"])

    async def never() -> Any:
        raise AssertionError("nothing is read or sent")

    await Waiting(page)(scope, never, lambda _: never())
    return {name: seen[name] for name in ("waiting", "emergencies") if name in seen}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_page_is_counted_for_also_where_a_form_comes_back(method: str) -> None:
    assert await _counted(_PAGE, method=method) == {"waiting": 3, "emergencies": ("glass",)}


@pytest.mark.parametrize(
    "headers", [(), ((b"accept", b"application/json"),), (_PAGE, (b"hx-request", b"true"))]
)
async def test_for_a_part_of_a_page_a_file_or_a_probe_nothing_is_counted(
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    assert await _counted(*headers) == {}
