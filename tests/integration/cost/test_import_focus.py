"""A published FOCUS export, through the door, as hours of the tenants it belongs to."""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from conftest import Vendor

from trust_portal.access.actors import CONSOLE
from trust_portal.cost.metering.focus import ImportFocus
from trust_portal.cost.metering.repository import read_hours
from trust_portal.errors import InvalidInput
from trust_portal.storage.tenancy import TenantScope

SAMPLE = Path(__file__).parents[2] / "data" / "focus" / "focus_sample.csv"
UNITS = ("PeoriaData", "TempeAI")
TENANT_FROM = "tag:business_unit"


def rows() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def expected(unit: str) -> dict[str, Decimal]:
    """Sums by subsystem, straight from the file."""
    names = {"Compute": "compute", "Storage": "storage", "Databases": "storage", "Networking": "egress",
             "Integration": "adapters", "AI and Machine Learning": "compute"}  # fmt: skip
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows():
        if f'"business_unit": "{unit}"' in row["Tags"] and row["ServiceCategory"] in names:
            sums[names[row["ServiceCategory"]]] += Decimal(row["BilledCost"])
    return dict(sums)


async def costs(vendor: Vendor, tenant_id) -> dict[str, Decimal]:
    start = datetime(2024, 9, 1, tzinfo=UTC)
    async with vendor.house.storage.read(TenantScope(tenant_id)) as session:
        hours = await read_hours(session, tenant_id, start, start + timedelta(days=31))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in hours:
        sums[each.series.subsystem] += each.cost
    return dict(sums)


async def test_every_row_is_a_tenants_to_the_last_digit_or_listed(vendor: Vendor) -> None:
    tenants = [await vendor.tenant(unit.lower()) for unit in UNITS]

    outcome = await vendor.house.focus.import_file(ImportFocus(SAMPLE, TENANT_FROM), CONSOLE)
    await vendor.house.metering.follow()

    assert outcome.rows == 1000 == outcome.mapped + len(outcome.unmapped)
    assert set(outcome.unmapped_by_code) == {"NO_TENANT", "NO_SUBSYSTEM", "UNKNOWN_TENANT"}
    assert outcome.refused == 0
    for tenant, unit in zip(tenants, UNITS, strict=True):
        assert await costs(vendor, tenant.id) == expected(unit)


async def test_the_same_file_again_changes_nothing(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant(UNITS[0].lower())
    first = await vendor.house.focus.import_file(ImportFocus(SAMPLE, TENANT_FROM), CONSOLE)
    await vendor.house.metering.follow()
    before = await costs(vendor, tenant.id)
    copy = tmp_path / "again.csv"
    shutil.copy(SAMPLE, copy)

    again = await vendor.house.focus.import_file(ImportFocus(copy, TENANT_FROM), CONSOLE)

    assert (again.accepted, again.duplicates) == (0, first.accepted + first.duplicates)
    assert not await vendor.house.metering.is_behind()
    assert await costs(vendor, tenant.id) == before


async def test_a_correction_comes_on_top_of_what_it_corrects(vendor: Vendor, tmp_path: Path) -> None:
    tenant = await vendor.tenant("acme")
    common = {
        "BillingCurrency": "USD",
        "ChargePeriodStart": "2024-09-02T00:00:00Z",
        "ChargePeriodEnd": "2024-09-03T00:00:00Z",
        "ServiceCategory": "Compute",
        "x_Tenant": "acme",
    }
    frame = pl.DataFrame(
        [
            {**common, "BilledCost": "24.00", "ChargeClass": None},
            {**common, "BilledCost": "-2.40", "ChargeClass": "Correction"},
        ]
    )
    frame.write_parquet(tmp_path / "export.parquet")

    outcome = await vendor.house.focus.import_file(
        ImportFocus(tmp_path / "export.parquet", "column:x_Tenant"), CONSOLE
    )
    await vendor.house.metering.follow()

    assert (outcome.mapped, outcome.corrections, outcome.accepted) == (2, 1, 48)
    assert await costs(vendor, tenant.id) == {"compute": Decimal("21.60")}


async def test_a_file_that_is_no_export_stores_nothing(vendor: Vendor, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")

    with pytest.raises(InvalidInput, match="no FOCUS export"):
        await vendor.house.focus.import_file(ImportFocus(path), CONSOLE)

    assert not await vendor.house.metering.is_behind()


def test_the_sample_holds_what_these_tests_need() -> None:
    assert len(rows()) == 1000
    assert Counter(row["BillingCurrency"] for row in rows()) == {"USD": 1000}
    assert all(expected(unit) for unit in UNITS)
