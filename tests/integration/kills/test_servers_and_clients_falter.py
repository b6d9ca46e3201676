"""Not dead but away, slow, full, or cut off in the middle: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import reckoning
from installation import installation, until
from load import TENANTS, Vendor

pytestmark = [pytest.mark.takes(seconds=100), pytest.mark.asyncio(loop_scope="module")]

#: Batches behind those of the day that is promised for: each test sends what nobody sent before it.
_CUT, _STILL = 20, 21


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendor() -> AsyncIterator[Vendor]:
    """One installation for all: what a test leaves is reckoned again by the next."""
    with tempfile.TemporaryDirectory(prefix="falter-") as folder:
        async with installation(Path(folder)) as house:
            vendor = Vendor(house)
            await vendor.move_in()
            yield vendor


async def _send(vendor: Vendor, number: int) -> None:
    async with vendor.client() as client:
        await vendor._until_stored(client, vendor._batch(TENANTS[0], number), twice=False)


async def _is_sound(vendor: Vendor) -> None:
    async def nothing_waits() -> bool:
        return not await reckoning.everything_is_done(vendor.installation)

    await until(nothing_waits, "all work is done")
    await reckoning.events_are_stored_exactly_once(vendor.installation, vendor.told)
    await reckoning.audit_finds_nothing(vendor.installation)


async def test_a_delivery_cut_off_in_the_middle_is_sent_again_and_stored_once(vendor: Vendor) -> None:
    """A client that goes away, an announced length that never comes, a chunk cut in two."""
    whole = "\n".join(map(json.dumps, vendor._batch(TENANTS[0], _CUT))).encode()
    for kind, framing in (
        ("application/x-ndjson", f"content-length: {len(whole) + 500}"),
        ("application/x-ndjson", "transfer-encoding: chunked"),
        ("application/cloudevents-batch+json", f"content-length: {len(whole)}"),
        ("application/cloudevents+json", "content-length: 900"),
    ):
        half = whole[: len(whole) // 2]
        body = half if "length" in framing else f"{len(whole):x}\r\n".encode() + half
        await asyncio.to_thread(_post_and_leave, vendor, kind, framing, body)
    await _send(vendor, _CUT)
    await _is_sound(vendor)
    assert "unforeseen" not in vendor.installation.said()


def _post_and_leave(vendor: Vendor, kind: str, framing: str, body: bytes) -> None:
    address = urlsplit(vendor.installation.base_url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        head = (
            f"POST /events HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: Bearer {vendor.token}\r\n"
            f"content-type: {kind}\r\n{framing}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)


async def test_a_database_that_stands_still_for_five_seconds_is_waited_for(vendor: Vendor) -> None:
    await _send(vendor, _STILL)
    frozen = vendor.installation.pids("postgres processes")
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    sending = asyncio.create_task(_send(vendor, _STILL + 1))
    await asyncio.sleep(5)
    assert not sending.done(), "nothing is acknowledged that is not stored"
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    await asyncio.wait_for(sending, 120)
    await _is_sound(vendor)


async def test_events_and_receipts_do_not_need_the_queue_server_and_exports_catch_up(vendor: Vendor) -> None:
    house = vendor.installation
    (valkey,) = house.pids("valkey")
    for tenant in TENANTS:
        async with vendor.client() as client:
            for number in range(12):
                await vendor._until_stored(client, vendor._batch(tenant, number), twice=False)
    os.kill(valkey, signal.SIGSTOP)
    try:
        stopped = asyncio.get_running_loop().time()
        await _send(vendor, 12)
        with tempfile.TemporaryDirectory() as folder:
            await vendor.import_contracts(Path(folder), 1)
        await vendor.run_the_month()
        assert not await house.answers(), "/readyz names the queue that is away"
        await asyncio.sleep(max(0, 10 - (asyncio.get_running_loop().time() - stopped)))
    finally:
        os.kill(valkey, signal.SIGCONT)

    async def complete() -> bool:
        run = await vendor.run_state()
        return run is not None and run["state"] == "COMPLETE"

    await until(complete, "the run completes")
    await _is_sound(vendor)
    await reckoning.acts_have_their_receipts(house, vendor.told)
    assert await reckoning.bundles_verify_offline(vendor) == len(TENANTS)


async def test_a_full_disk_is_503_and_what_was_acknowledged_survives_it() -> None:
    with tempfile.TemporaryDirectory(prefix="full-") as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", folder], capture_output=True, check=False
        )
        if mounted.returncode != 0:
            missing = f"needs root and the right to mount: {mounted.stderr.decode().strip()}"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        try:
            async with installation(Path(folder)) as house:
                vendor = Vendor(house)
                await vendor.move_in()
                await _send(vendor, 0)
                ballast = Path(folder) / "ballast"
                _fill(ballast)
                sending = asyncio.create_task(_many(vendor, 1, 60))
                await until(_felt(vendor), "the full disk is felt", house.said)
                ballast.unlink()
                await asyncio.wait_for(sending, 180)
                await house.ready()
                await _is_sound(vendor)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


async def _many(vendor: Vendor, first: int, last: int) -> None:
    for number in range(first, last):
        await _send(vendor, number)


def _felt(vendor: Vendor):
    async def felt() -> bool:
        return vendor.told.refusals > 0

    return felt


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError:
            return
