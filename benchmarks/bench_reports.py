"""SLA reports: one verified tenant-month, a hundred of them by worker processes, and a signed export.

A tenant-month is read, checked, computed, receipted and stored; a PDF is not part of it. The export
is compared with WeasyPrint's own rendering of the same HTML in this run.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import numpy as np

from benchmarks.installation import Installation, installation
from benchmarks.row import Row, at_most, context
from benchmarks.worker_processes import until, workers
from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant, Tenant
from trust_portal.documents.typesetting import SHEETS, StaticOnly
from trust_portal.evidence.export import ExportState
from trust_portal.evidence.export_rows import list_exports
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.presentation import sla_report_html
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.reliability.reports.words import Imprint
from trust_portal.reliability.runs.model import RunState, StartRun
from trust_portal.storage.tenancy import IntakeScope, TenantScope

PERIOD = "2026-06"
START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTES = 43_200
TENANTS = 100
ROUNDS = 5
#: Worker processes of the default queue: one for each of the two processors the limits are named for.
WORKERS = 2

CONTRACT = """\
tenant: {key}
version: "1"
currency: EUR
fee: "1000.00"
slas:
  - objective: api
    target: "99.9"
    tiers:
      - {{from: "99.0", to: "99.9", credit_percent: "10"}}
      - {{to: "99.0", credit_percent: "25"}}
"""


async def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        async with installation(Path(folder)) as place:
            single = await _single_months(place)
            export = await _export(place)
            many = await _hundred(place)
    return [*single, *many, *export]


async def _single_months(place: Installation) -> list[Row]:
    tenants = [await _tenant(place.house, f"single-{number}") for number in range(ROUNDS + 1)]
    times = []
    for tenant in tenants:
        begin = time.perf_counter()
        report = await place.house.reports.issue(IssueReport(tenant.id, PERIOD), SYSTEM)
        times.append((time.perf_counter() - begin) * 1000)
        assert report.revision == 1, report.why
    warm = times[1:]
    return [
        context("first tenant-month of a process", times[0], "ms"),
        at_most(
            f"verified tenant-month ({MINUTES:,} rows), median of {ROUNDS}",
            statistics.median(warm),
            "ms",
            150,
            "150 ms",
        ),
    ]


async def _hundred(place: Installation) -> list[Row]:
    house = place.house
    for number in range(TENANTS):
        await _tenant(house, f"many-{number:03d}")
    async with workers(place.settings, *["default"] * WORKERS):
        await asyncio.sleep(3)  # processes start once, not once a month
        begin = time.perf_counter()
        await house.runs.start(StartRun(PERIOD), SYSTEM)
        await until(lambda: _complete(house), 120, look=0.02)
        seconds = time.perf_counter() - begin
    progress = await house.runs.progress(SYSTEM, PERIOD)
    assert progress.counts["issued"] == TENANTS + ROUNDS + 1, progress.counts
    return [at_most(f"monthly run over {TENANTS} tenants, {WORKERS} workers", seconds, "s", 5, "5 s")]


async def _export(place: Installation) -> list[Row]:
    """Each export beside a bare render of its HTML, in turns, so that both meet the same machine."""
    house = place.house
    stop = asyncio.Event()
    sequencer = asyncio.create_task(
        run_sequencer(house.storage, house.keyring, stop, host=place.settings.host)
    )
    try:
        signed, bare = await _exports_and_renders(house)
    finally:
        stop.set()
        await sequencer
    limit = statistics.median(bare)
    return [
        context("bare WeasyPrint render of the same HTML (PDF/UA)", limit, "ms"),
        at_most("signed export", statistics.median(signed), "ms", 1.1 * limit, "1.1 × the bare render"),
    ]


async def _exports_and_renders(house: House) -> tuple[list[float], list[float]]:
    tenants = await house.tenants.in_service(SYSTEM, purpose="benchmark")
    signed, bare = [], []
    for number, tenant in enumerate(tenants):
        html = await _html(house, tenant)
        export_id = await _export_id(house, tenant)
        begin = time.perf_counter()
        export = await house.exports.build(tenant.id, export_id)
        middle = time.perf_counter()
        _bare(html)
        end = time.perf_counter()
        assert export.state is ExportState.READY, export.failure
        if number:  # the first unpacks fonts and style sheets
            signed.append((middle - begin) * 1000)
            bare.append((end - middle) * 1000)
    return signed, bare


def _bare(html: str) -> bytes:
    """WeasyPrint alone, asked for the same kind of PDF; nothing is kept from one document to the next."""
    import weasyprint

    from trust_portal.runtime.shipped import shipped

    fetcher = StaticOnly(shipped("static"))
    base = "https://static.invalid/"
    sheets = [weasyprint.CSS(url=f"{base}css/{name}.css", url_fetcher=fetcher) for name in SHEETS]
    pdf: bytes = weasyprint.HTML(string=html, base_url=base, url_fetcher=fetcher).write_pdf(
        stylesheets=sheets, pdf_variant="pdf/ua-1"
    )
    return pdf


async def _html(house: House, tenant: Tenant) -> str:
    report = await house.reports.latest(SYSTEM, tenant.id, PERIOD)
    assert report is not None
    body = json.loads(await house.reports.document(SYSTEM, tenant.id, report.id))
    return sla_report_html(body, Imprint("0" * 64, report.issued_at, "bundle.zip"))


async def _export_id(house: House, tenant: Tenant) -> UUID:
    async with house.storage.read(TenantScope(tenant.id)) as session:
        return (await list_exports(session, tenant.id, PageRequest(1))).items[0].id


async def _tenant(house: House, key: str) -> Tenant:
    tenant = await house.tenants.create(CreateTenant(key, key.title(), onboarded_at=START), CONSOLE)
    await house.contracts.import_file(ImportContracts(CONTRACT.format(key=key).encode()), CONSOLE)
    await _fill(house, tenant.id)
    return tenant


async def _fill(house: House, tenant_id: UUID) -> None:
    """A month of minutes by COPY; how events get there is another benchmark's matter."""
    rng = np.random.default_rng(tenant_id.int % 2**32)
    totals = rng.poisson(1200, MINUTES).tolist()
    errors = rng.binomial(totals, 0.001).tolist()
    columns = [
        "tenant_id",
        "objective",
        "minute",
        "event_key",
        "total",
        "good",
        "source",
        "event_id",
        "received_at",
    ]
    rows = (
        (tenant_id, "api", START + timedelta(minutes=minute), UUID(int=minute), total,
         total - error, "//benchmark", str(minute), START)
        for minute, (total, error) in enumerate(zip(totals, errors, strict=True))
    )  # fmt: skip
    async with house.storage.write(IntakeScope()) as session:
        driver = await session.driver()
        # COPY FROM is not for tables with row-level security: it goes through a table of its own.
        await driver.execute(
            "CREATE TEMPORARY TABLE filling (tenant_id uuid, objective text, minute timestamptz, event_key uuid,"
            " total bigint, good bigint, source text, event_id text, received_at timestamptz) ON COMMIT DROP"
        )
        await driver.copy_records_to_table("filling", records=rows, columns=columns)
        names = ", ".join(columns)
        await driver.execute(f"INSERT INTO measurements ({names}) SELECT {names} FROM filling")


async def _complete(house: House) -> bool:
    return (await house.runs.newest(SYSTEM))[0].state is RunState.COMPLETE
