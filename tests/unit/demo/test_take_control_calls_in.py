"""The product's door: whose call it is, whether it is from now, and that a killed product remembers."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trust_portal.demo.product.journal import Journal
from trust_portal.demo.product.obedience import Obedience
from trust_portal.demo.product.server import KEYS, Desk, control_app
from trust_portal.demo.script import Script
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.notify.standard_webhooks import Ed25519Private, HmacSecret, WebhookSigner, sign_webhook

SCRIPT = Script("2026-03", datetime(2026, 4, 16, 9, tzinfo=UTC))
AT = SCRIPT.at(3.2)
SECRET = HmacSecret(secrets.token_bytes(32))
LIMIT = {"limit_per_hour": "70", "unit": "gigabytes"}


class Portal:
    """Publishes its keys; ``signer`` is the one at work."""

    def __init__(self) -> None:
        self.signer = Ed25519Private(secrets.token_bytes(32))
        self.asked = 0
        app = Starlette(routes=[Route(KEYS, self.keys)])
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://portal.example")

    async def keys(self, request: Request) -> JSONResponse:
        self.asked += 1
        return JSONResponse({"keys": [{"public_key": self.signer.public.text}]})


class Product:
    """A product on ``folder``, with a door to knock at."""

    def __init__(self, folder: Path, clock: ManualClock, portal: Portal, secret: str | None = None) -> None:
        self.obedience = Obedience(SCRIPT)
        self.clock = clock
        desk = Desk(self.obedience, Journal(folder), clock, portal.client, secret)
        transport = httpx.ASGITransport(control_app(desk))
        self.client = httpx.AsyncClient(transport=transport, base_url="https://product.example")

    async def call(
        self, signer: WebhookSigner, *, at: datetime | None = None, **changes: Any
    ) -> httpx.Response:
        body = json.dumps(
            {
                "action": "throttle_exports",
                "tenant": "brightwater",
                "target": {"operation": "export"},
                "parameters": LIMIT,
                "dry_run": False,
                "idempotency_key": "run-1:apply",
                "expires_at": rfc3339(AT + timedelta(minutes=10)),
                "receipt": None,
                **changes,
            }
        ).encode()
        headers = sign_webhook("run-1:apply", at or self.clock.now(), body, [signer])
        return await self.client.post("/control", content=body, headers=headers)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    portal = Portal()
    yield portal
    await portal.client.aclose()


@pytest.fixture
def product(tmp_path: Path, clock: ManualClock, portal: Portal) -> Product:
    return Product(tmp_path, clock, portal, SECRET.text)


DONE = {"state": "applied", "effect": LIMIT, "previous": {"limit_per_hour": None, "unit": "gigabytes"}}


async def test_a_call_by_the_portals_published_key_is_obeyed(product: Product, portal: Portal) -> None:
    answer = await product.call(portal.signer)
    assert (answer.status_code, answer.json()) == (200, DONE)
    assert [each.value for each in product.obedience.controls.settings] == ["70"]


async def test_a_call_by_the_shared_secret_is_obeyed(product: Product, portal: Portal) -> None:
    assert (await product.call(SECRET)).json() == DONE
    assert portal.asked == 0


@pytest.mark.parametrize("strange", [Ed25519Private(bytes(32)), HmacSecret(bytes(32))])
async def test_a_call_by_anybody_else_is_not_taken_in(
    product: Product, portal: Portal, strange: WebhookSigner
) -> None:
    for _ in range(3):
        answer = await product.call(strange)
        assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
    assert portal.asked == 1, "a stranger makes the product ask the portal once a minute at most"
    assert product.obedience.controls.settings == ()


async def test_a_key_that_the_portal_published_since_is_found(
    product: Product, portal: Portal, clock: ManualClock
) -> None:
    assert (await product.call(portal.signer, dry_run=True)).status_code == 200
    portal.signer = Ed25519Private(secrets.token_bytes(32))
    clock.advance(timedelta(minutes=1))
    assert (await product.call(portal.signer)).json() == DONE


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_call_from_another_time_is_not_taken_in(
    product: Product, portal: Portal, minutes: int
) -> None:
    answer = await product.call(portal.signer, at=AT + timedelta(minutes=minutes))
    assert (answer.status_code, answer.json()["field"]) == (401, "webhook-timestamp")
    assert product.obedience.controls.settings == ()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"target": "export"}, 400),
        ({"parameters": {"limit_per_hour": 70}}, 400),
        ({"dry_run": "yes"}, 400),
        ({"expires_at": "2026-04-16T12:20:00"}, 400),
        ({"idempotency_key": "another"}, 400),
        ({"more": "x" * 70_000}, 413),
    ],
)
async def test_what_is_no_control_call_is_said_to_be_none(
    product: Product, portal: Portal, changes: dict[str, Any], status: int
) -> None:
    answer = await product.call(portal.signer, **changes)
    assert answer.status_code == status
    assert product.obedience.controls.settings == ()


async def test_a_killed_product_remembers_what_it_was_told(
    product: Product, portal: Portal, clock: ManualClock, tmp_path: Path
) -> None:
    await product.call(portal.signer)
    with (tmp_path / "control-calls.ndjson").open("ab") as journal:
        journal.write(b'{"at":"2026-04-16T12:1')  # it died in the middle of a line
    clock.advance(timedelta(hours=2))
    after = Product(tmp_path, clock, portal)
    assert after.obedience.controls == product.obedience.controls
    assert (await after.call(portal.signer)).json() == DONE
    again = Product(tmp_path, clock, portal)
    assert again.obedience.controls == product.obedience.controls
    assert len((tmp_path / "control-calls.ndjson").read_bytes().splitlines()) == 1


async def test_refusals_are_remembered_too(
    product: Product, portal: Portal, clock: ManualClock, tmp_path: Path
) -> None:
    refused = await product.call(portal.signer, tenant="nobody")
    assert refused.json()["state"] == "refused"
    after = Product(tmp_path, clock, portal)
    assert (await after.call(portal.signer, tenant="nobody")).json() == refused.json()


async def test_a_dry_run_leaves_no_trace(product: Product, portal: Portal, tmp_path: Path) -> None:
    assert (await product.call(portal.signer, dry_run=True)).json() == DONE
    assert not (tmp_path / "control-calls.ndjson").read_bytes()
