"""``trust-portal compliance | posture | audit | trust`` as an operator types them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from support.sequencing import sequencing

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.cli import cli
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.house import House, build_house
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.trust.compliance.model import AssessmentReaders
from trust_portal.trust.report.model import blocked_as

pytestmark = pytest.mark.takes(seconds=15)

#: Long over, whatever the machine's clock says.
PERIOD = "2024-Q4"
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def house(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """At the machine's own time, as the commands are."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=tmp_path / "keys.json",
        base_url="https://trust.example",
        log_format="console",
    )
    house = build_house(settings)
    await house.open()
    yield house
    await house.close()


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", house.settings.database_url)
    monkeypatch.setenv("REDIS_URL", house.settings.redis_url)
    monkeypatch.setenv("KEY_FILE", str(house.settings.key_file))
    monkeypatch.setenv("BASE_URL", house.settings.base_url)

    async def run(*arguments: object) -> Result:
        # A thread of its own, because the commands bring their own event loop.
        result = await asyncio.to_thread(CliRunner().invoke, cli, list(map(str, arguments)))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


async def customer(house: House, key: str) -> UUID:
    command = CreateTenant(key, key.title(), onboarded_at=datetime(2024, 1, 1, tzinfo=UTC))
    return (await house.tenants.create(command, CONSOLE)).id


async def logged(house: House, *tenants: UUID) -> None:
    """Until nothing of theirs waits for the log."""
    async with sequencing(house):
        for tenant_id in tenants:
            async with house.storage.read(TenantScope(tenant_id)) as session:
                driver = await session.driver()
                rows = await driver.fetch("SELECT id FROM receipts WHERE tenant_id = $1", tenant_id)
            for row in rows:
                await house.ledger.wait(tenant_id, row["id"], 60)


async def on_record(house: House) -> dict[str, int]:
    """How many receipts of what these commands do there are, by kind."""
    async with house.storage.read(StaffScope()) as session:
        driver = await session.driver()
        rows = await driver.fetch(
            "SELECT kind, count(*) AS n FROM receipts WHERE kind IN ('receipts.audited', 'compliance.evaluated',"
            " 'compliance.imported', 'posture.checked', 'trust_batch.completed', 'trust_report.published')"
            " GROUP BY kind"
        )
    return {row["kind"]: row["n"] for row in rows}


async def test_an_audit_is_on_record_and_the_control_reads_it(house: House, run: Run, tmp_path: Path) -> None:
    acme = await customer(house, "acme")
    await logged(house, acme, VENDOR_ID)
    silent = await run("audit", "--tenant", "acme", "--no-record")
    said = "1 receipts, 1 checkpoints and 0 bundles of 1 tenants computed again: no findings"
    assert (silent.exit_code, silent.stdout.splitlines()) == (0, [said])
    judged = await run("compliance", "evaluate", "--tenant", "acme", "--reason", "before the audit")
    why = (
        "receipts-audited (tenant): not evaluated: the log is younger than an audit is due, and none was made"
    )
    assert [each for each in judged.stdout.splitlines() if each.startswith("receipts-audited (t")] == [why]
    assert await on_record(house) == {"compliance.evaluated": 1}

    await logged(house, acme, VENDOR_ID)
    everybody = await run("audit")
    assert everybody.exit_code == 0
    assert everybody.stdout.endswith(" of 2 tenants computed again: no findings\n")
    assert await on_record(house) == {"compliance.evaluated": 1, "receipts.audited": 2}
    judged = await run("compliance", "evaluate", "--tenant", "acme", "--reason", "after the audit")
    assert "receipts-audited (tenant): satisfied" in judged.stdout.splitlines()
    with pytest.raises(NotFound):
        await run("audit", "--tenant", "nobody")
    with pytest.raises(InvalidInput) as empty:
        await run("compliance", "evaluate", "--tenant", "acme", "--reason", " ")
    assert empty.value.field == "reason"
    assert await on_record(house) == {"compliance.evaluated": 2, "receipts.audited": 2}

    written = await run("compliance", "export", "--tenant", "acme", "--into", tmp_path / "acme")
    newest = await house.compliance.newest(CONSOLE, acme)
    assert newest is not None
    files = await house.compliance.download(CONSOLE, acme, newest.id)
    assert {Path(each).name: Path(each).read_bytes() for each in written.stdout.splitlines()} == files
    results = tmp_path / "acme" / "assessment-results.json"
    taking = (
        "compliance",
        "import",
        results,
        "--source",
        "Auditors",
        "--max-age-days",
        30,
        "--readers",
        "vendor",
        "--reason",
        "yearly",
    )
    taken = await run(*taking)
    (imported,) = await house.assessment_imports.newest(CONSOLE)
    assert taken.stdout == (
        f"{imported.title}: {imported.satisfied} satisfied, {imported.not_satisfied} not satisfied\n"
        "The file is read by: The vendor’s people alone\n"
    )
    assert imported.readers is AssessmentReaders.VENDOR
    with pytest.raises(Conflict) as again:
        await run(*taking)
    assert again.value.code == "ALREADY_IMPORTED"
    broken = json.loads(results.read_bytes())
    del broken["assessment-results"]["metadata"]
    results.write_text(json.dumps(broken))
    with pytest.raises(InvalidInput) as refused:
        await run(*taking)
    assert (refused.value.field, refused.value.message) == ("assessment-results.metadata", "it is missing")
    assert (await on_record(house))["compliance.imported"] == 1

    with pytest.raises(NotFound):
        await run("compliance", "withdraw", "Nobody", "--reason", "the contract has ended")
    gone = await run("compliance", "withdraw", "Auditors", "--reason", "the contract has ended")
    assert gone.stdout == f"{imported.title}: withdrawn\n"
    (withdrawn,) = await house.assessment_imports.newest(CONSOLE)
    assert withdrawn.withdrawn is not None


async def test_posture_is_looked_at_and_said_check_by_check(house: House, run: Run) -> None:
    acme, globex = await customer(house, "acme"), await customer(house, "globex")
    one = await run("posture", "check", "acme")
    view = await house.posture.view(CONSOLE, acme)
    assert one.stdout.splitlines() == [
        f"acme  {each.finding.check.value}: {each.finding.outcome.words}. {each.finding.found}"
        for each in view.latest
    ]
    assert [each.finding.check.value for each in view.latest] == ["isolation", "residency", "customer_key"]
    assert one.exit_code == 0
    everybody = await run("posture", "check")
    assert [each.split()[0] for each in everybody.stdout.splitlines()] == ["acme"] * 3 + ["globex"] * 3
    assert (await house.posture.view(CONSOLE, globex)).latest
    before = await on_record(house)
    assert before == {"posture.checked": 3}
    with pytest.raises(NotFound):
        await run("posture", "check", "nobody")
    assert await on_record(house) == before


async def test_what_is_agreed_about_where_data_stays_is_recorded(house: House, run: Run) -> None:
    acme = await customer(house, "acme")
    done = await run("tenants", "residency", "acme", "Germany", "--reason", "Contract of 1 July")
    assert (done.exit_code, done.stdout) == (0, "acme  agreed is Germany\n")
    with pytest.raises(Conflict) as again:
        await run("tenants", "residency", "acme", "Germany", "--reason", "Once more")
    assert again.value.code == "UNCHANGED"
    with pytest.raises(NotFound):
        await run("tenants", "residency", "nobody", "Germany", "--reason", "Contract of 1 July")
    lifted = await run("tenants", "residency", "acme", "", "--reason", "The clause is gone")
    assert lifted.stdout == "acme  nothing is agreed\n"
    assert (await house.tenants.get(CONSOLE, acme)).residency == ""
    async with house.storage.read(TenantScope(acme)) as session:
        driver = await session.driver()
        kinds = await driver.fetch(
            "SELECT kind FROM receipts WHERE tenant_id = $1 AND kind = 'tenant.residency_set'", acme
        )
    assert len(kinds) == 2


async def test_everybodys_trust_reports_are_published_and_what_blocks_is_named(
    house: House, run: Run
) -> None:
    for key in ("acme", "globex"):
        await customer(house, key)
    with pytest.raises(Conflict) as early:
        await run("trust", "batch", "--period", "2999-Q1")
    assert (early.value.code, early.value.field) == ("PERIOD_NOT_OVER", "period")
    with pytest.raises(NotFound):
        await run("trust", "progress", "--period", PERIOD)
    assert await on_record(house) == {}

    begun = await run("trust", "batch", "--period", PERIOD, "--no-wait")
    assert (begun.exit_code, begun.stdout) == (0, f"batch {PERIOD}: planning, attempt 1, 0 of 0 customers\n")
    await work(house)
    blocked = await run("trust", "progress", "--period", PERIOD)
    lines = blocked.stdout.splitlines()
    assert (blocked.exit_code, lines[0]) == (3, f"batch {PERIOD}: complete, attempt 1, 2 of 2 customers")
    assert [each.partition(": blocked: ")[0] for each in lines[1:]] == ["  acme", "  globex"]
    assert "Posture (posture), missing: not checked" in lines[1]
    assert await on_record(house) == {"trust_batch.completed": 1}

    acme = await house.tenants.by_key(CONSOLE, "acme")
    preview = await house.trust_reports.preview(CONSOLE, acme.id, PERIOD)
    stand = [
        part
        for each in preview.blocking
        for part in ("--let-stand", each.id, blocked_as(each), "nobody has looked yet")
    ]
    following = asyncio.create_task(run("trust", "batch", "--period", PERIOD, "--json", *stand))
    await work(house, attempt=2)
    done = await following
    said = json.loads(done.stdout)
    assert (done.exit_code, said["state"], said["attempt"]) == (0, "complete", 2)
    assert (said["done"], said["total"], said["counts"]["published"]) == (2, 2, 2)
    assert said["bundles"] == {"made": 0, "under_way": 2, "failed": 0}
    told = await run("trust", "progress", "--period", PERIOD)
    first = f"batch {PERIOD}: complete, attempt 2, 2 of 2 customers, 0 of 2 bundles made"
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, first)
    (report,) = await house.trust_reports.versions(CONSOLE, acme.id)
    assert said["tenants"][0] == {
        "tenant": "acme",
        "outcome": "published",
        "report": str(report.id),
        "reason": None,
    }
    assert await on_record(house) == {"trust_batch.completed": 2, "trust_report.published": 2}


async def work(house: House, attempt: int = 1) -> None:
    """What the workers do, once somebody has asked for this attempt."""
    async with asyncio.timeout(60):
        while (batch := (await house.trust_batches.newest(CONSOLE))[0]).attempt < attempt:
            await asyncio.sleep(0.05)
    await house.trust_batches.plan(batch.id)
    progress = await house.trust_batches.progress(CONSOLE, PERIOD)
    for each in progress.tenants:
        await house.trust_batches.cover(batch.id, each.tenant_id)
