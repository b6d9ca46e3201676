"""``import contracts``, ``import objectives`` and ``sla run`` as an operator types them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from support.reliability_vendor import CONTRACT, Vendor

from trust_portal.house import House

pytestmark = pytest.mark.takes(seconds=30)


@pytest.fixture
def command(house: House, tmp_path: Path):
    async def run(*arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "trust_portal.cli",
            *arguments,
            env={
                **os.environ,
                "DATABASE_URL": house.settings.database_url,
                "REDIS_URL": house.settings.redis_url,
                "KEY_FILE": str(house.settings.key_file),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        assert b"Traceback" not in err
        return process.returncode, out.decode(), err.decode()

    return run


async def test_a_contract_is_imported_and_one_tenants_report_issued(command, vendor: Vendor, tmp_path: Path):
    await vendor.tenant("acme")
    file = tmp_path / "contracts.yaml"
    file.write_text(CONTRACT.format(tenant="acme", version="1", zone="UTC"))
    status, out, _ = await command("import", "contracts", str(file))
    assert (status, out.splitlines()[0]) == (0, "acme version 1 recorded")
    await vendor.measure("acme", minutes=1439)
    status, out, _ = await command("sla", "run", "--period", "2026-06", "--tenant", "acme", "--json")
    assert (status, json.loads(out)["state"]) == (3, "incomplete")
    file.write_text(file.read_text().replace("1000.00", "2000.00"))
    status, _, err = await command("import", "contracts", str(file))
    assert status == 2
    assert "[CONTRACT_VERSION_EXISTS]" in err


async def test_a_period_that_is_not_over_is_refused(command, vendor: Vendor):
    status, out, err = await command("sla", "run", "--period", "2099-06")
    assert (status, out) == (2, "")
    assert "[PERIOD_NOT_OVER]" in err
    status, _, err = await command("sla", "run", "--period", "June")
    assert status == 2
    assert "period" in err


async def test_where_counts_are_cross_checked_is_imported_with_a_reason(
    command, vendor: Vendor, tmp_path: Path
):
    await vendor.tenant("acme")
    await vendor.contract("acme")
    file = tmp_path / "cross-checks.yaml"
    file.write_text("- {tenant: acme, objective: api, url: 'http://127.0.0.1:1', total: a, good: b}\n")
    asked = ("import", "cross-checks", str(file), "--reason", "a second opinion")
    status, out, _ = await command(*asked)
    assert (status, out) == (0, "acme api: http://127.0.0.1:1 recorded as revision 1\n")
    status, out, _ = await command(*asked)
    assert (status, out) == (0, "acme api: http://127.0.0.1:1 is recorded already\n")
    file.write_text("- {tenant: acme, objective: api, url: 'http://127.0.0.1:1', total: a, good: 1}\n")
    status, out, err = await command(*asked)
    assert (status, out) == (2, "")
    assert err.splitlines()[0].endswith("[0].good: '1' is no name of a Prometheus metric [FIELD_MALFORMED]")
