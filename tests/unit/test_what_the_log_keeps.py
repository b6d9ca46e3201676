"""What is logged of a request that nobody foresaw."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from trust_portal.web.errors import install


async def breaks(request: Request) -> Response:
    raise RuntimeError("a row nobody foresaw")


async def test_an_unspent_link_does_not_stand_in_the_log() -> None:
    app = Starlette(routes=[Route("/sign-in/link/{secret}", breaks), Route("/t/{tenant}/reports", breaks)])
    install(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"accept": "application/json"}
    with capture_logs() as kept:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://portal", headers=headers
        ) as client:
            answers = [await client.get(each) for each in ("/sign-in/link/kY3-opens", "/t/acme/reports")]
    assert [each.status_code for each in answers] == [500, 500]
    assert [each["path"] for each in kept] == ["/sign-in/link/{secret}", "/t/acme/reports"]
    assert [each["reference"] in answer.text for each, answer in zip(kept, answers, strict=True)] == [
        True,
        True,
    ]
